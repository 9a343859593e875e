import { describe, expect, it } from 'vitest';
import {
  biosSettings,
  checkAttributes,
  comparable,
  differing,
  isPastSetup,
  readAttributes,
  readRegistry,
  unlike,
} from '../../../../src/protocol/redfish/bios.js';

const REGISTRY = readRegistry({
  RegistryEntries: {
    Attributes: [
      {
        AttributeName: 'BootMode',
        Type: 'Enumeration',
        Value: [{ ValueName: 'Uefi' }, { ValueName: 'LegacyBios' }],
        ReadOnly: false,
      },
      { AttributeName: 'Cores', Type: 'Integer', LowerBound: 0, UpperBound: 8 },
      { AttributeName: 'Turbo', Type: 'Boolean' },
      { AttributeName: 'Tag', Type: 'String', MinLength: 2, MaxLength: 4 },
      { AttributeName: 'Free', Type: 'String', MinLength: 0, MaxLength: 0 },
      { AttributeName: 'AdminPassword', Type: 'Password', MaxLength: 3 },
      { AttributeName: 'Serial', Type: 'String', ReadOnly: true },
      { AttributeName: null },
      null,
    ],
  },
} as never);
const byName = (name: string) => name.includes('Password');
const NOW = {
  BootMode: 'Uefi',
  Cores: 4,
  Turbo: true,
  Tag: 'ab',
  Free: '',
  AdminPassword: null,
  Serial: 'X',
  Unregistered: 7,
};

describe('checkAttributes', () => {
  it('makes the BMC’s types of what is asked for', () => {
    const asked = {
      BootMode: 'LegacyBios',
      Cores: '8',
      Turbo: 'False',
      Tag: 'abcd',
      Free: 'anything',
      Unregistered: '9',
    };
    expect(checkAttributes(asked, NOW, REGISTRY, byName)).toEqual({
      attributes: {
        BootMode: 'LegacyBios',
        Cores: 8,
        Turbo: false,
        Tag: 'abcd',
        Free: 'anything',
        Unregistered: 9,
      },
      faults: [],
    });
  });

  it.each([
    [{ Nothing: 'x' }, 'Nothing: the BIOS has no such attribute'],
    [{ BootMode: 'uefi' }, 'BootMode: "uefi" is not one of Uefi, LegacyBios'],
    [{ Cores: 9 }, 'Cores: 9 is more than 8'],
    [{ Cores: -1 }, 'Cores: -1 is less than 0'],
    [{ Cores: 'many' }, 'Cores: "many" is no integer'],
    [{ Turbo: 'perhaps' }, 'Turbo: "perhaps" is no boolean'],
    [{ Tag: 'a' }, 'Tag: "a" is shorter than 2 characters'],
    [{ Tag: 'abcde' }, 'Tag: "abcde" is longer than 4 characters'],
    [{ Tag: ['a'] }, 'Tag: ["a"] is no string'],
    [{ AdminPassword: 'secret' }, 'AdminPassword: the value is longer than 3 characters'],
    [{ AdminPassword: ['secret'] }, 'AdminPassword: the value is no password'],
    [{ Serial: 'Y' }, 'Serial: it is read-only'],
  ])('refuses %j', (asked, fault) => {
    expect(checkAttributes(asked as never, NOW, REGISTRY, byName)).toEqual({
      attributes: {},
      faults: [fault],
    });
  });

  it('goes by what is there where the service has no registry', () => {
    expect(checkAttributes({ Cores: '9', Turbo: 'true', Tag: 5 }, NOW, undefined, byName).attributes).toEqual(
      {
        Cores: 9,
        Turbo: true,
        Tag: '5',
      },
    );
    expect(checkAttributes({ Nothing: 'x' }, NOW, undefined, byName).faults).toHaveLength(1);
  });
});

describe('readAttributes', () => {
  it('is empty where nothing pends', () => {
    expect(readAttributes({ Attributes: null })).toEqual({});
    expect(readAttributes(undefined)).toEqual({});
    expect(readAttributes({ Attributes: { A: 1, 'A@Redfish.AllowableValues': [] } })).toEqual({ A: 1 });
  });
});

describe('differing', () => {
  it('tells what is not so, whatever its type', () => {
    expect(
      differing({ Cores: 4, Turbo: true, BootMode: 'LegacyBios', Gone: 'x' }, { ...NOW, Cores: '4' }),
    ).toEqual({
      BootMode: 'Uefi',
      Gone: undefined,
    });
  });
});

describe('biosSettings', () => {
  it('are what the API shows', () => {
    expect(biosSettings({ BootMode: 'Uefi', Odd: null, Cores: 4 }, REGISTRY, byName)).toMatchObject([
      {
        name: 'BootMode',
        value: 'Uefi',
        attribute_type: 'Enumeration',
        allowable_values: ['Uefi', 'LegacyBios'],
        read_only: false,
      },
      { name: 'Odd', value: null, attribute_type: null },
      { name: 'Cores', value: '4', lower_bound: 0, upper_bound: 8 },
    ]);
  });

  it('hide a password, whatever the BMC shows', () => {
    expect(biosSettings({ AdminPassword: 'abc' }, REGISTRY, byName)).toMatchObject([{ value: null }]);
    expect(comparable({ AdminPassword: 'abc', Cores: 4 }, REGISTRY, byName)).toEqual({ Cores: 4 });
  });
});

describe('a password that no registry tells of', () => {
  const others = new Map([...REGISTRY].filter(([name]) => name !== 'AdminPassword'));

  it.each([
    ['no registry', undefined],
    ['a registry without it', others],
  ])('is neither shown nor compared: %s', (_, registry) => {
    expect(biosSettings({ AdminPassword: 'abc' }, registry, byName)).toMatchObject([{ value: null }]);
    expect(comparable({ AdminPassword: 'abc', Cores: 4 }, registry, byName)).toEqual({ Cores: 4 });
    expect(checkAttributes({ AdminPassword: ['abc'] }, NOW, registry, byName).faults).toEqual([
      'AdminPassword: the value is no string',
    ]);
  });

  it('is not quoted under a name that does not tell either', () => {
    expect(unlike('SETUP001', null, 'abc', undefined)).toBe('SETUP001 is null, not the requested value');
    expect(unlike('Tag', null, 'abc', REGISTRY)).toBe('Tag is null, not "abc"');
    expect(unlike('Unregistered', 7, 8, REGISTRY)).toBe('Unregistered is 7, not 8');
  });
});

describe('isPastSetup', () => {
  it.each([
    [undefined, true],
    ['OSRunning', true],
    ['OEM', true],
    ['MemoryInitializationStarted', false],
    ['None', false],
  ])('BootProgress %s: %s', (LastState, past) => {
    expect(isPastSetup({ BootProgress: { LastState: LastState ?? null } })).toBe(past);
  });
});

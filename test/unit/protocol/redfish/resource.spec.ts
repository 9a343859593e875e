import { describe, expect, it } from 'vitest';
import {
  healthOf,
  idOf,
  isBareLink,
  linkOf,
  linksOf,
  numberOf,
  partsOf,
  pathOf,
  readCollection,
  textOf,
} from '../../../../src/protocol/redfish/resource.js';

describe('properties', () => {
  it.each([null, '', '  ', 5, true, {}, []])('are absent as text where they are %j', (value) => {
    expect(textOf({ Vendor: value }, 'Vendor')).toBeUndefined();
  });

  it('are read as numbers where a service wrote digits in a text', () => {
    expect(numberOf({ A: '12.5' }, 'A')).toBe(12.5);
    expect(numberOf({ A: '0x10' }, 'A')).toBeUndefined();
    expect(numberOf({ A: null }, 'A')).toBeUndefined();
  });

  it('are one object where the list around it is missing', () => {
    expect(partsOf({ A: { x: 1 } }, 'A')).toEqual([{ x: 1 }]);
    expect(partsOf({ A: [null, { x: 1 }, 'text'] }, 'A')).toEqual([{ x: 1 }]);
    expect(partsOf({ A: null }, 'A')).toEqual([]);
  });
});

describe('links', () => {
  it('are paths of the same service', () => {
    expect(linkOf({ Bios: { '@odata.id': '/redfish/v1/systems/1/bios/settings/' } }, 'Bios')).toBe(
      '/redfish/v1/systems/1/bios/settings/',
    );
    expect(linksOf({ Members: [{ '@odata.id': '/a' }, {}, null, { '@odata.id': 5 }] }, 'Members')).toEqual([
      '/a',
    ]);
  });

  it.each([
    'https://elsewhere.example/redfish/v1',
    '//elsewhere.example/redfish',
    '/\\elsewhere.example',
    'redfish/v1',
    '/a b',
    '/a\r\nHost: x',
    '',
    null,
  ])('are none where they lead to %j', (value) => {
    expect(pathOf(value)).toBeUndefined();
    expect(idOf({ '@odata.id': value })).toBeUndefined();
  });

  it('are bare where nothing was expanded', () => {
    expect(isBareLink({ '@odata.id': '/a' })).toBe(true);
    expect(isBareLink({ '@odata.id': '/a', Id: 'a' })).toBe(false);
  });
});

describe('readCollection', () => {
  it('tells where it goes on', () => {
    const page = { Members: [{ '@odata.id': '/a' }], 'Members@odata.nextLink': '/x?$skip=1' };
    expect(readCollection(page)).toEqual({ members: [{ '@odata.id': '/a' }], next: '/x?$skip=1' });
  });

  it('goes on nowhere where the next page is elsewhere', () => {
    expect(readCollection({ Members: null, 'Members@odata.nextLink': 'http://x/y' })).toEqual({
      members: [],
      next: undefined,
    });
  });
});

describe('healthOf', () => {
  it('is what Status says, in any case, or its rollup', () => {
    expect(healthOf({ Status: { Health: 'Ok' } })).toBe('OK');
    expect(healthOf({ Status: { Health: null, HealthRollup: 'Critical' } })).toBe('Critical');
    expect(healthOf({ Status: { Health: 'Fine' } })).toBeUndefined();
    expect(healthOf({ Status: null })).toBeUndefined();
  });
});

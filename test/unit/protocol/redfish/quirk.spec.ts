import { describe, expect, it } from 'vitest';
import {
  compareVersions,
  differencesOf,
  identityOf,
  type Quirk,
} from '../../../../src/protocol/redfish/quirk.js';
import { readServiceRoot } from '../../../../src/protocol/redfish/service-root.js';

describe('identityOf', () => {
  it('is the root’s Vendor, else the first of its Oem names, else the machine’s maker', () => {
    const system = { Manufacturer: 'Super Micro', Model: 'SYS-1' };
    expect(identityOf(readServiceRoot({ Vendor: 'Dell' }), system).vendor).toBe('Dell');
    expect(identityOf(readServiceRoot({ Oem: { Ami: {} } }), system).vendor).toBe('Ami');
    expect(identityOf(readServiceRoot({}), system)).toEqual({
      vendor: 'Super Micro',
      product: '',
      manufacturer: 'Super Micro',
      model: 'SYS-1',
      managerModel: '',
      firmware: '',
    });
    expect(
      identityOf(readServiceRoot({}), undefined, { FirmwareVersion: '1.0', Model: '16G' }),
    ).toMatchObject({
      vendor: '',
      firmware: '1.0',
      managerModel: '16G',
    });
  });
});

describe('differencesOf', () => {
  const row = (match: Quirk['match'], differences: Quirk['differences']): Quirk => ({
    id: 'x',
    machines: 'x',
    symptom: 'x',
    client: 'x',
    source: 'x',
    by: 'row',
    ...(match ? { match } : {}),
    ...(differences ? { differences } : {}),
  });
  const seen = { vendor: 'Acme', product: '', manufacturer: '', model: '', managerModel: '', firmware: '' };
  const table = [
    row({ vendor: /^acme/i }, { modeReadOnly: true, onlySlot: '1' }),
    row({ vendor: /^acme/i, from: '2.0', below: '3' }, { onlySlot: '2' }),
    row(undefined, { basicOnly: true }),
  ];

  it('adds rows up, later ones being stronger', () => {
    expect(differencesOf({ ...seen, firmware: '2.9.1' }, table)).toEqual({
      modeReadOnly: true,
      onlySlot: '2',
    });
    expect(differencesOf({ ...seen, firmware: '3.0' }, table)).toEqual({ modeReadOnly: true, onlySlot: '1' });
  });

  it('assumes nothing of a firmware that is not known', () => {
    expect(differencesOf(seen, table)).toEqual({ modeReadOnly: true, onlySlot: '1' });
  });

  it('takes the machine’s maker where the service’s is another', () => {
    expect(differencesOf({ ...seen, vendor: 'OpenBMC', manufacturer: 'ACME Inc.' }, table)).toMatchObject({
      modeReadOnly: true,
    });
    expect(differencesOf({ ...seen, vendor: 'Other' }, table)).toEqual({});
  });
});

describe('compareVersions', () => {
  it.each([
    ['4.40.10.00', '4.9', 1],
    ['iLO 5 v2.72', '2.70', 1],
    ['6.00', '6.0', 0],
    ['01.01.06', '1.1.5', 1],
    ['', '1', -1],
  ])('%s and %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });
});

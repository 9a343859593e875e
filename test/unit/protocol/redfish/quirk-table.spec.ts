import { describe, expect, it } from 'vitest';
import { differencesOf, type Identity } from '../../../../src/protocol/redfish/quirk.js';
import { QUIRKS } from '../../../../src/protocol/redfish/quirk-table.js';

const UNKNOWN: Identity = {
  vendor: '',
  product: '',
  manufacturer: '',
  model: '',
  managerModel: '',
  firmware: '',
};

/** What the captured trees and others say of themselves, and what follows. */
const MACHINES: [string, Partial<Identity>, object][] = [
  ['a service that says nothing', {}, {}],
  ['OpenBMC', { vendor: 'OpenBMC', manufacturer: 'IBM' }, {}],
  [
    'PowerEdge R750, iDRAC9 6.00.30',
    {
      vendor: 'Dell',
      manufacturer: 'Dell Inc.',
      model: 'PowerEdge R750',
      managerModel: '15G Monolithic',
      firmware: '6.00.30.00',
    },
    { serialFrom: 'SKU', jobsBelowManager: 'Oem/Dell/Jobs', noHttpBootUri: true },
  ],
  [
    'PowerEdge R740, iDRAC9 4.22',
    { vendor: 'Dell', model: 'PowerEdge R740', managerModel: '14G Monolithic', firmware: '4.22.00.00' },
    {
      serialFrom: 'SKU',
      jobsBelowManager: 'Oem/Dell/Jobs',
      noHttpBootUri: true,
      noVirtualMediaBoot: expect.stringContaining('physical'),
    },
  ],
  [
    'PowerEdge R7525 (AMD), iDRAC9 5.10',
    { vendor: 'Dell', model: 'PowerEdge R7525', managerModel: '15G Monolithic', firmware: '5.10.00.00' },
    {
      serialFrom: 'SKU',
      jobsBelowManager: 'Oem/Dell/Jobs',
      noHttpBootUri: true,
      noVirtualMediaBoot: expect.stringContaining('physical'),
    },
  ],
  [
    'PowerEdge R770, iDRAC10 1.20, whose version is below all the others’',
    { vendor: 'Dell', model: 'PowerEdge R770', managerModel: '17G Monolithic', firmware: '1.20.25.00' },
    { serialFrom: 'SKU', jobsBelowManager: 'Oem/Dell/Jobs', noHttpBootUri: true, onlySlot: '1' },
  ],
  [
    'ProLiant DL385 Gen10 Plus, iLO5',
    { vendor: 'HPE', manufacturer: 'HPE', model: 'ProLiant DL385 Gen10 Plus v2', firmware: 'iLO 5 v2.72' },
    { modeReadOnly: true, keepTargetWhenDisabling: true, noHttpBootUri: true },
  ],
  [
    'ThinkSystem SR670 V2',
    { vendor: 'Lenovo', model: 'ThinkSystem SR670 V2' },
    { slotsFirst: ['EXT'], slotsWithoutUrl: ['RDOC', 'Remote'] },
  ],
  [
    'ThinkSystem SR675 V3',
    { vendor: 'Lenovo', model: 'ThinkSystem SR675 V3' },
    { slotsFirst: ['EXT'], slotsWithoutUrl: ['RDOC', 'Remote'], restartByOffOn: 10_000 },
  ],
  [
    'Supermicro SYS-821GE, whose root names no vendor',
    { vendor: 'Supermicro', manufacturer: 'Supermicro', model: 'SYS-821GE-TNHR' },
    { insertImageOnly: true, cdTargets: ['UsbCd'], bootPayload: 'whole', alwaysSayEnabled: true },
  ],
  [
    'Supermicro ARS-111GL-NHR',
    { manufacturer: 'Supermicro', model: 'ARS-111GL-NHR' },
    { insertImageOnly: true, cdTargets: ['Cd'], bootPayload: 'whole', alwaysSayEnabled: true },
  ],
  ['an ASRock Rack board', { vendor: 'Ami', manufacturer: 'ASRockRack' }, { bootPayload: 'whole' }],
  ['an AMI MegaRAC', { vendor: 'American Megatrends International' }, { bootPayload: 'whole' }],
];

describe('the quirk table', () => {
  it.each(MACHINES)('%s', (_, identity, differences) => {
    expect(differencesOf({ ...UNKNOWN, ...identity }, QUIRKS)).toEqual(differences);
  });

  it('has each row once, with its source, and differences just where it has a match', () => {
    const ids = QUIRKS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const row of QUIRKS) {
      expect(row.source, row.id).not.toBe('');
      expect(row.match === undefined, row.id).toBe(row.differences === undefined);
      if (row.by === 'row') expect(row.match, row.id).toBeDefined();
      if (row.by === 'rule') expect(row.match, row.id).toBeUndefined();
    }
  });
});

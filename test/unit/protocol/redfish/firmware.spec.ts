import { describe, expect, it } from 'vitest';
import { readInventoryItem, shownFirmware } from '../../../../src/protocol/redfish/firmware.js';
import type { Resource } from '../../../../src/protocol/redfish/resource.js';

const nothing = { vendor: null, model: null, serial_number: null };

describe('the firmware of a machine', () => {
  it('is that of its BIOS, its BMC and its network adapters, under Ironic’s names', () => {
    const adapters: Resource[] = [
      {
        Id: 'NIC.Slot.1',
        SerialNumber: 'MT2134',
        Manufacturer: 'Mellanox',
        Model: 'ConnectX-6',
        Controllers: [{ FirmwarePackageVersion: '22.31.10' }, { FirmwarePackageVersion: '22.31.10' }],
      },
      {
        Id: 'NIC.Integrated.1',
        Controllers: [{ FirmwarePackageVersion: null }, { FirmwarePackageVersion: '21.8' }],
      },
      { Id: 'NIC.None', Controllers: [] },
    ];
    const manager = { FirmwareVersion: '6.00.30.00', Model: '16G Monolithic' };
    expect(shownFirmware({ BiosVersion: '1.6.5' }, manager, adapters)).toEqual([
      { component: 'bios', current_version: '1.6.5', ...nothing },
      { component: 'bmc', current_version: '6.00.30.00', ...nothing, model: '16G Monolithic' },
      {
        component: 'nic:MT2134',
        current_version: '22.31.10',
        vendor: 'Mellanox',
        model: 'ConnectX-6',
        serial_number: 'MT2134',
      },
      { component: 'nic:NIC.Integrated.1', current_version: '21.8', ...nothing },
    ]);
  });

  it('may be shown nowhere', () => {
    expect(shownFirmware({ BiosVersion: null }, undefined, [{}, { Id: 'x', Controllers: null }])).toEqual([]);
  });
});

describe('a member of the firmware inventory', () => {
  it('is updateable unless the service denies it, and none without an Id', () => {
    expect(readInventoryItem({ Id: 'BMC-Backup', Version: '2.83', Updateable: true })).toEqual({
      id: 'BMC-Backup',
      version: '2.83',
      updateable: true,
      vendor: undefined,
    });
    expect(readInventoryItem({ Id: 'x' })).toMatchObject({ updateable: true, version: undefined });
    expect(readInventoryItem({ Id: 'x', Updateable: false })).toMatchObject({ updateable: false });
    expect(readInventoryItem({ Id: 'x', Status: { State: 'Absent' } })).toBeUndefined();
    expect(readInventoryItem({ Version: '1' })).toBeUndefined();
  });
});

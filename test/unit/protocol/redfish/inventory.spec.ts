import { describe, expect, it } from 'vitest';
import { readTlvs } from '../../../../src/protocol/lldp/tlv.js';
import {
  lldpOf,
  localGb,
  macsOfPort,
  readCpu,
  readDisk,
  readInterface,
  readMemory,
} from '../../../../src/protocol/redfish/inventory.js';

const GIB = 2 ** 30;

describe('readCpu', () => {
  it('counts the threads of processors, not of accelerators and empty sockets', () => {
    const cpu = {
      ProcessorType: 'CPU',
      InstructionSet: 'x86-64',
      TotalThreads: 48,
      Model: 'EPYC',
      MaxSpeedMHz: 3700,
    };
    const gpu = { ProcessorType: 'GPU', TotalThreads: 5_000 };
    const absent = { ProcessorType: 'CPU', TotalThreads: 48, Status: { State: 'Absent' } };
    expect(readCpu({}, [gpu, cpu, cpu, absent])).toEqual({
      count: 96,
      model_name: 'EPYC',
      frequency: '3700',
      architecture: 'x86_64',
    });
  });

  it('falls back to the summary, and to the architecture', () => {
    const system = { ProcessorSummary: { Count: 2, LogicalProcessorCount: 96, Model: 'Ampere' } };
    expect(readCpu(system, [{ InstructionSet: null, ProcessorArchitecture: 'ARM' }])).toEqual({
      count: 96,
      model_name: 'Ampere',
      architecture: 'aarch64',
    });
  });

  it('knows nothing of a service that shows null', () => {
    expect(
      readCpu({ ProcessorSummary: null }, [{ ProcessorType: null, Status: null, TotalThreads: null }]),
    ).toEqual({});
  });
});

describe('readMemory', () => {
  it.each([
    [{ MemorySummary: { TotalSystemMemoryGiB: 384 } }, 393_216],
    [{ MemorySummary: { TotalSystemMemoryGiB: 0.5 } }, 512],
    [{ MemorySummary: { TotalSystemMemoryGiB: 0 } }, undefined],
    [{ MemorySummary: { TotalSystemMemoryGiB: null } }, undefined],
    [{ MemorySummary: null }, undefined],
    [{}, undefined],
  ])('%j', (system, size) => {
    expect(readMemory(system)).toBe(size);
  });
});

describe('readInterface', () => {
  const nic = {
    Id: 'NIC1',
    MACAddress: 'B0-7B-25-00-00-01',
    SpeedMbps: 25_000,
    Status: { State: 'Enabled' },
  };
  const shown = { name: 'NIC1', mac_address: 'b0:7b:25:00:00:01', speed_mbps: 25_000 };

  it.each([
    ['as it is', nic, shown],
    ['of a state that the service does not know', { ...nic, Status: { State: null } }, shown],
    ['without a status', { ...nic, Status: null }, shown],
    ['whose present address is none', { ...nic, MACAddress: '', PermanentMACAddress: nic.MACAddress }, shown],
    ['that is absent', { ...nic, Status: { State: 'Absent' } }, undefined],
    ['without a MAC address', { ...nic, MACAddress: 'N/A', PermanentMACAddress: null }, undefined],
    ['of zeros', { ...nic, MACAddress: '00:00:00:00:00:00' }, undefined],
    ['without a name', { ...nic, Id: null }, undefined],
  ])('%s', (_, given, expected) => {
    expect(readInterface(given)).toEqual(expected);
  });
});

describe('disks', () => {
  it('have what the service shows; an empty bay is none', () => {
    expect(readDisk({ Name: 'SSD 0', CapacityBytes: 960e9, MediaType: 'SSD', Model: null })).toEqual({
      name: 'SSD 0',
      size: 960e9,
      rotational: false,
    });
    expect(readDisk({ Name: 'Bay 1', CapacityBytes: null })).toBeUndefined();
  });

  it('give the smallest size that can hold an instance, less one GiB', () => {
    const disk = (size: number) => ({ name: 'd', size });
    expect(localGb([disk(3 * GIB), disk(480 * GIB)], [disk(960 * GIB)])).toBe(479);
    expect(localGb([disk(2 * GIB)], [])).toBe(0);
    expect(localGb([], [])).toBe(0);
  });
});

describe('lldpOf', () => {
  const heard = {
    ChassisId: 'C4:7E:E0:00:00:01',
    ChassisIdSubtype: 'MacAddr',
    PortId: 'Ethernet1/7',
    PortIdSubtype: 'IfName',
    SystemName: 'switch-1',
  };

  it('are TLVs that the decoder of ramdisks’ reports reads', () => {
    expect(readTlvs(lldpOf({ Ethernet: { LLDPReceive: heard } }))).toEqual({
      switch_chassis_id: 'c4:7e:e0:00:00:01',
      switch_port_id: 'Ethernet1/7',
      switch_system_name: 'switch-1',
    });
    expect(lldpOf({ LLDPReceive: heard })).toHaveLength(3);
  });

  it.each([
    [
      'no neighbour',
      { ChassisId: '', ChassisIdSubtype: 'NotTransmitted', PortId: '', PortIdSubtype: 'NotTransmitted' },
    ],
    ['null', { ChassisId: null, ChassisIdSubtype: null, PortId: null, SystemName: null }],
    ['an address that is none', { ChassisId: 'junk', ChassisIdSubtype: 'MacAddr' }],
    ['nothing', null],
  ])('are none for %s', (_, LLDPReceive) => {
    expect(lldpOf({ Ethernet: { LLDPReceive } })).toEqual([]);
  });
});

it('macsOfPort reads both places, and passes over what is no text', () => {
  expect(macsOfPort({ Ethernet: { AssociatedMACAddresses: ['B8:3F:D2:00:00:01', null] } })).toEqual([
    'b8:3f:d2:00:00:01',
  ]);
  expect(macsOfPort({ AssociatedNetworkAddresses: ['B8-3F-D2-00-00-01'], Ethernet: null })).toEqual([
    'b8:3f:d2:00:00:01',
  ]);
});

import { type Body, collection, link, refuse } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';

const OK = { State: 'Enabled', Health: 'OK' };

/** Storage of the machine's disks: one controller with its drives. */
export function storageResources({ machine, personality }: Board): Resources {
  const path = `${pathsOf(personality).system}/Storage`;
  const one = `${path}/1`;
  const disks = machine.hardware?.disks ?? [];
  const found: Resources = {
    [path]: { get: () => collection(path, 'StorageCollection', [one]) },
    [one]: {
      get: () => ({
        '@odata.id': one,
        '@odata.type': '#Storage.v1_12_0.Storage',
        Id: '1',
        Name: 'Storage controller',
        Drives: disks.map((_, at) => link(`${one}/Drives/${at}`)),
        Volumes: link(`${one}/Volumes`),
        Status: OK,
      }),
    },
    [`${one}/Volumes`]: { get: () => collection(`${one}/Volumes`, 'VolumeCollection', []) },
  };
  disks.forEach((disk, at) => {
    const drive = `${one}/Drives/${at}`;
    found[drive] = {
      get: () => ({
        '@odata.id': drive,
        '@odata.type': '#Drive.v1_14_0.Drive',
        Id: String(at),
        Name: disk.name,
        CapacityBytes: disk.size,
        SerialNumber: disk.serial,
        Manufacturer: null,
        Model: 'Virtual Disk',
        MediaType: 'SSD',
        Protocol: disk.bus === 'sata' ? 'SATA' : null,
        Status: OK,
      }),
    };
  });
  return found;
}

/** Network adapters of the chassis, whose ports tell their switch by LLDP. */
export function adapterResources(board: Board): Resources {
  const { machine, personality, quirks } = board;
  const path = `${pathsOf(personality).chassis}/NetworkAdapters`;
  const one = `${path}/1`;
  const macs = machine.hardware?.macs ?? [];
  const refused = () => {
    if (!quirks.adaptersAfterPost || machine.isOn()) return;
    throw refuse(
      400,
      'iLO.2.19.ResourceNotReadyRetry',
      'The resource is not ready until the system has run.',
    );
  };
  const found: Resources = {
    [path]: {
      get: () => {
        refused();
        return collection(path, 'NetworkAdapterCollection', [one]);
      },
    },
    [one]: {
      get: () => ({
        '@odata.id': one,
        '@odata.type': '#NetworkAdapter.v1_9_0.NetworkAdapter',
        Id: '1',
        Name: 'Network adapter',
        Manufacturer: 'Ferric Lab',
        Model: 'Virtual NIC',
        SerialNumber: `NIC-${machine.name}`,
        Controllers: [{ FirmwarePackageVersion: board.firmware.get('nic') ?? null }],
        Ports: link(`${one}/Ports`),
        Status: OK,
      }),
    },
    [`${one}/Ports`]: {
      get: () =>
        collection(
          `${one}/Ports`,
          'PortCollection',
          macs.map((_, at) => `${one}/Ports/${at}`),
        ),
    },
  };
  macs.forEach((mac, at) => {
    const port = `${one}/Ports/${at}`;
    found[port] = {
      get: () => ({
        '@odata.id': port,
        '@odata.type': '#Port.v1_7_0.Port',
        Id: String(at),
        Name: `Port ${at}`,
        LinkStatus: 'LinkUp',
        Ethernet: { AssociatedMACAddresses: [mac.toUpperCase()], LLDPEnabled: true, LLDPReceive: heard(at) },
      }),
    };
  });
  return found;
}

/** The first port has a neighbour; the others are shown as captured services show a port without one. */
function heard(at: number): Body {
  if (at > 0)
    return { ChassisId: '', ChassisIdSubtype: 'NotTransmitted', PortId: '', PortIdSubtype: 'NotTransmitted' };
  return {
    ChassisId: 'c4:7e:e0:00:00:01',
    ChassisIdSubtype: 'MacAddr',
    PortId: 'Ethernet1/7',
    PortIdSubtype: 'IfName',
    SystemName: 'switch-1.example.com',
    SystemCapabilities: ['Bridge'],
    ManagementVlanId: 4095,
  };
}

// The place of a disk, as udev names it under /dev/disk/by-path (systemd 252: src/udev/udev-builtin-path_id.c).
import { dirname } from 'node:path';
import { SysfsDevice } from './sysfs-device.js';

interface Walk {
  parts: string[];
  /** The same without the parts that older versions of udev omitted for ATA. */
  older: string[];
  /** Whether a bus with unique names, and a known transport of the disk, were found. */
  parent: boolean;
  transport: boolean;
}
/** The device to continue from; undefined: the place of the disk is unknown. */
type Next = SysfsDevice | undefined;
type Handler = (device: SysfsDevice, disk: SysfsDevice, walk: Walk) => Next;

/** Buses identified by their name alone, and whether a disk may be attached to them directly. */
const named =
  (prefix: string, transport: boolean): Handler =>
  (device, _disk, walk) => {
    add(walk, `${prefix}-${device.name}`);
    walk.parent = true;
    walk.transport ||= transport;
    return topOf(device);
  };
const HANDLERS: Readonly<Record<string, Handler>> = {
  scsi: (device, _disk, walk) => {
    walk.transport = true;
    return scsi(device, walk);
  },
  usb: (device, _disk, walk) => {
    walk.transport = true;
    const port = device.name.indexOf('-');
    if (!['usb_interface', 'usb_device'].includes(device.type ?? '') || port === -1) return device;
    add(walk, `usb-0:${device.name.slice(port + 1)}`);
    return topOf(device);
  },
  virtio: (device, _disk, walk) => {
    walk.transport = true;
    return topOf(device);
  },
  nvme: nvme,
  'nvme-subsystem': nvme,
  pci: named('pci', false),
  platform: named('platform', true),
  acpi: named('acpi', false),
  xen: named('xen', false),
  scm: named('scm', true),
  ccw: named('ccw', true),
};

/** @returns names below /dev/disk/by-path, the current form first; none where udev makes none */
export function diskPaths(disk: SysfsDevice): string[] {
  const walk: Walk = { parts: [], older: [], parent: false, transport: false };
  for (let device: SysfsDevice | undefined = disk; device; ) {
    const handler: Handler | undefined = HANDLERS[device.subsystem ?? ''];
    const next: Next = handler ? handler(device, disk, walk) : device;
    if (!next) return [];
    device = next.parent;
  }
  if (walk.parts.length === 0 || !walk.parent || !walk.transport) return [];
  const path = (parts: readonly string[]) => `/dev/disk/by-path/${[...parts].reverse().join('-')}`;
  return [...new Set([path(walk.parts), path(walk.older)])];
}

function add(walk: Walk, part: string, older = part): void {
  walk.parts.push(part);
  walk.older.push(older);
}

/** The topmost consecutive ancestor of the same subsystem. */
function topOf(device: SysfsDevice): SysfsDevice {
  const { subsystem } = device;
  let top = device;
  for (let next = device.parent; next?.subsystem === subsystem && next; next = next.parent) top = next;
  return top;
}

function nvme(device: SysfsDevice, disk: SysfsDevice, walk: Walk): Next {
  const nsid = disk.text('nsid');
  if (nsid === undefined) return device;
  add(walk, `nvme-${nsid}`);
  walk.parent = true;
  walk.transport = true;
  if (device.subsystem === 'nvme') return topOf(device);
  // A multipath disk is attached to its subsystem: udev takes the controller with the number in its name.
  const controller = /^(nvme\d+)/.exec(disk.name)?.[1];
  return controller === undefined ? undefined : disk.sibling('nvme', controller);
}

function scsi(device: SysfsDevice, walk: Walk): Next {
  if (device.type !== 'scsi_device') return device;
  const { dir } = device;
  // SCSI has no subsystem for its transports: they appear in the path.
  if (dir.includes('/rport-')) return remote(device, walk, fibreChannel(device));
  if (dir.includes('/end_device-')) return remote(device, walk, sas(device));
  if (dir.includes('/session')) return remote(device, walk, iscsi(device));
  if (dir.includes('/ata')) return ata(device, walk);
  if (dir.includes('/vmbus_')) return hyperV(device, walk, 37);
  if (dir.includes('/VMBUS')) return hyperV(device, walk, 38);
  return onHost(device, walk);
}

function remote(device: SysfsDevice, walk: Walk, part: string | undefined): Next {
  walk.parent = true;
  if (part === undefined) return undefined;
  add(walk, `${part}-${lunOf(device)}`);
  return device;
}

/** Numbers above 255 use another addressing method (SAM-5 §4.7). */
function lunOf(device: SysfsDevice): string {
  const lun = Number(device.number);
  if (lun < 256) return `lun-${lun}`;
  const hex = (value: number) => value.toString(16).padStart(4, '0');
  return `lun-0x${hex(lun & 0xffff)}${hex((lun >>> 16) & 0xffff)}00000000`;
}

function fibreChannel(device: SysfsDevice): string | undefined {
  const target = device.above('scsi', 'scsi_target');
  const port = target && device.sibling('fc_transport', target.name)?.text('port_name');
  return port && `fc-${port}`;
}

function sas(device: SysfsDevice): string | undefined {
  const end = device.above('scsi', 'scsi_target')?.parent;
  const own = end && device.sibling('sas_device', end.name);
  const port = end?.parent;
  const count = port && device.sibling('sas_port', port.name)?.text('num_phys');
  if (!own || count === undefined) return undefined;
  if (count !== '1') {
    const address = own.text('sas_address');
    return address && `sas-${address}`;
  }
  const phy = own.text('phy_identifier');
  if (phy === undefined) return undefined;
  // The parent of the port is an expander, or the controller itself.
  const above = port?.parent;
  const expander = above && device.sibling('sas_device', above.name);
  if (!expander) return `sas-phy${phy}`;
  const address = expander.text('sas_address');
  return address && `sas-exp${address}-phy${phy}`;
}

function iscsi(device: SysfsDevice): string | undefined {
  let session = device.parent;
  while (session && !session.name.startsWith('session')) session = session.parent;
  const target = session && device.sibling('iscsi_session', session.name)?.text('targetname');
  const connection = session && device.sibling('iscsi_connection', `connection${session.number}:0`);
  const [address, port] = ['persistent_address', 'persistent_port'].map((file) => connection?.text(file));
  return target && address && port && `ip-${address}:${port}-iscsi-${target}`;
}

function ata(device: SysfsDevice, walk: Walk): Next {
  const port = device.above('scsi', 'scsi_host')?.parent;
  const number = port && device.sibling('ata_port', port.name)?.text('port_no');
  const address = hctlOf(device.name);
  if (number === undefined || !address) return undefined;
  const [, bus, target] = address;
  // Behind a port multiplier the bus is not 0; otherwise the target tells master from slave.
  add(walk, bus !== 0 ? `ata-${number}.${bus}.0` : `ata-${number}.${target}`, `ata-${number}`);
  return device.above('scsi', 'scsi_host');
}

function hyperV(device: SysfsDevice, walk: Walk, length: number): Next {
  const bus = device.above('scsi', 'scsi_host')?.parent;
  const id = bus?.text('device_id');
  if (id === undefined || id.length < length || !id.startsWith('{') || id[length - 1] !== '}')
    return undefined;
  add(walk, `vmbus-${id.slice(1, length - 1).replaceAll('-', '')}-${lunOf(device)}`);
  return device;
}

/** udev counts the hosts of one controller from 0, the kernel counts all hosts. */
function onHost(device: SysfsDevice, walk: Walk): Next {
  const host = device.above('scsi', 'scsi_host');
  const address = hctlOf(device.name);
  const controller = host && SysfsDevice.at(dirname(host.dir), dirname(host.dir));
  if (!host || !address || !controller) return undefined;
  const numbers = controller
    .entries()
    .map((entry) => /^host(\d+)$/.exec(entry)?.[1])
    .filter((number) => number !== undefined)
    .map(Number);
  const [own, ...rest] = address;
  add(walk, `scsi-${[own - Math.min(...numbers), ...rest].join(':')}`);
  return host;
}

/** Host, channel, target and LUN. */
export function hctlOf(name: string): [number, number, number, number] | undefined {
  const match = /^(\d+):(\d+):(\d+):(\d+)$/.exec(name);
  return match ? (match.slice(1).map(Number) as [number, number, number, number]) : undefined;
}

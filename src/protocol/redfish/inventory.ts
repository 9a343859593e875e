import type { Json, JsonObject } from '../json.js';
import { hexByte, hexText } from '../lldp/tlv.js';
import { numberOf, partOf, type Resource, textOf } from './resource.js';

/** Parts of Ironic's inventory (redfish/inspect.py) from resources of a service, whose every property may be missing. */

/** Architectures under Ironic's names, by Processor.InstructionSet and ProcessorArchitecture. */
const INSTRUCTION_SETS: Readonly<Record<string, string>> = {
  'x86-64': 'x86_64',
  'ARM-A64': 'aarch64',
  PowerISA: 'ppc64le',
  'IA-64': 'ia64',
  x86: 'i686',
};
const ARCHITECTURES: Readonly<Record<string, string>> = { x86: 'x86_64', ARM: 'aarch64', Power: 'ppc64le' };

/** Names of network interfaces are of this length at most, in inventory and hooks. */
const MOST_NAME = 64;
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;

/** @param processors may include GPUs and others, which do not count */
export function readCpu(system: Resource, processors: readonly Resource[]): JsonObject {
  const all = processors.filter((one) => ['CPU', undefined].includes(textOf(one, 'ProcessorType')));
  const cpus = all.filter((one) => textOf(partOf(one, 'Status'), 'State') !== 'Absent');
  const [first] = cpus;
  const summary = partOf(system, 'ProcessorSummary');
  const threads = cpus.reduce((sum, one) => sum + (numberOf(one, 'TotalThreads') ?? 0), 0);
  const count = threads || numberOf(summary, 'LogicalProcessorCount') || numberOf(summary, 'Count');
  const set = textOf(first, 'InstructionSet');
  const architecture =
    (set === undefined ? undefined : INSTRUCTION_SETS[set]) ??
    ARCHITECTURES[textOf(first, 'ProcessorArchitecture') ?? ''];
  const frequency = numberOf(first, 'MaxSpeedMHz');
  return given({
    count,
    model_name: textOf(first, 'Model') ?? textOf(summary, 'Model'),
    frequency: frequency === undefined ? undefined : String(frequency),
    architecture,
  });
}

/** MiB of the machine's memory. @returns undefined if the service shows none, or 0, as it does until the first POST */
export function readMemory(system: Resource): number | undefined {
  const size = numberOf(partOf(system, 'MemorySummary'), 'TotalSystemMemoryGiB');
  return size !== undefined && size > 0 ? Math.round(size * 1024) : undefined;
}

/** An EthernetInterface. @returns undefined for one that is absent, or has no MAC address */
export function readInterface(nic: Resource): JsonObject | undefined {
  const mac = [textOf(nic, 'MACAddress'), textOf(nic, 'PermanentMACAddress')]
    .map((one) => (one === undefined ? undefined : macOf(one)))
    .find((one) => one !== undefined && isMac(one));
  const name = (textOf(nic, 'Id') ?? textOf(nic, 'Name'))?.slice(0, MOST_NAME);
  // A null state is unknown, not disabled.
  if (mac === undefined || name === undefined || textOf(partOf(nic, 'Status'), 'State') === 'Absent') {
    return undefined;
  }
  return given({ name, mac_address: mac, speed_mbps: numberOf(nic, 'SpeedMbps') });
}

/** A MAC address as Ironic spells it: lower case, with colons. */
function macOf(text: string): string {
  return text.toLowerCase().replaceAll('-', ':');
}

/** Hexadecimal pairs; neither zeros nor the broadcast address, which some services show for an unused port. */
function isMac(mac: string): boolean {
  return MAC.test(mac) && !/^(00:){5}00$|^(ff:){5}ff$/.test(mac);
}

/** A drive, a volume, or a device of SimpleStorage. @returns undefined for one without a capacity: an empty bay */
export function readDisk(disk: Resource): JsonObject | undefined {
  const size = numberOf(disk, 'CapacityBytes');
  if (size === undefined || size <= 0) return undefined;
  const media = textOf(disk, 'MediaType');
  return given({
    name: textOf(disk, 'Name') ?? textOf(disk, 'Id') ?? 'disk',
    size,
    model: textOf(disk, 'Model'),
    vendor: textOf(disk, 'Manufacturer'),
    serial: textOf(disk, 'SerialNumber'),
    rotational: media === 'HDD' ? true : media === 'SSD' ? false : undefined,
  });
}

const GIB = 2 ** 30;
/** Smaller disks are boot media and the like. */
const LEAST_DISK = 4 * GIB;

/** GiB of the smallest disk that can hold an instance, less one for partitioning (Ironic); 0 for a machine without disk. */
export function localGb(...groups: readonly (readonly JsonObject[])[]): number {
  const sizes = groups.flatMap((disks) =>
    disks.flatMap(({ size }) => (typeof size === 'number' && size >= LEAST_DISK ? [size] : [])),
  );
  return sizes.length === 0 ? 0 : Math.max(0, Math.floor(Math.min(...sizes) / GIB) - 1);
}

const CHASSIS_SUBTYPES = [
  'ChassisComp',
  'IfAlias',
  'PortComp',
  'MacAddr',
  'NetworkAddr',
  'IfName',
  'LocalAssign',
];
const PORT_SUBTYPES = ['IfAlias', 'PortComp', 'MacAddr', 'NetworkAddr', 'IfName', 'AgentId', 'LocalAssign'];

/**
 * LLDP that a port received, Port.Ethernet.LLDPReceive (DSP0268), as TLVs in the form of ramdisks: pairs of type and value
 * in hexadecimal (IEEE 802.1AB §8). Services show "" and NotTransmitted for a port without a neighbour.
 */
export function lldpOf(port: Resource): Json[] {
  const heard = partOf(partOf(port, 'Ethernet'), 'LLDPReceive') ?? partOf(port, 'LLDPReceive');
  const tlvs: Json[] = [];
  const chassis = identity(heard, 'ChassisId', CHASSIS_SUBTYPES);
  if (chassis !== undefined) tlvs.push([1, chassis]);
  const id = identity(heard, 'PortId', PORT_SUBTYPES);
  if (id !== undefined) tlvs.push([2, id]);
  for (const [type, property] of [
    [5, 'SystemName'],
    [6, 'SystemDescription'],
  ] as const) {
    const text = textOf(heard, property);
    if (text !== undefined) tlvs.push([type, hexOf(text)]);
  }
  return tlvs;
}

/** The MAC addresses of a port, which lead to the network interface. */
export function macsOfPort(port: Resource): string[] {
  const listed = [partOf(port, 'Ethernet')?.['AssociatedMACAddresses'], port['AssociatedNetworkAddresses']];
  return listed
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .flatMap((mac) => (typeof mac === 'string' ? [macOf(mac)] : []));
}

function identity(
  heard: Resource | undefined,
  name: string,
  subtypes: readonly string[],
): string | undefined {
  const value = textOf(heard, name);
  const subtype = subtypes.indexOf(textOf(heard, `${name}Subtype`) ?? '') + 1;
  if (value === undefined || subtype === 0) return undefined;
  if (subtypes[subtype - 1] !== 'MacAddr') return hexByte(subtype) + hexOf(value);
  const mac = macOf(value);
  return MAC.test(mac) ? hexByte(subtype) + mac.replaceAll(':', '') : undefined;
}

/** At most 255 characters, as IEEE 802.1AB has it. */
function hexOf(text: string): string {
  return hexText(new TextEncoder().encode(text.slice(0, 255)));
}

/** Without what is not known. */
function given(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}

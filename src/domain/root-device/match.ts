import { InvalidError } from '../errors.js';
import { type Hint, type HintName, type HintOperator, parseRootDeviceHints } from './hint.js';

/** A disk as hints see it. Some attributes have several values, such as a short and a long serial number. */
export interface RootDeviceCandidate {
  /** `/dev/sda` */
  name: string;
  /** Bytes. */
  size: number;
  rotational: boolean;
  model?: string | null;
  vendor?: string | null;
  serial?: string | readonly string[] | null;
  wwn?: string | readonly string[] | null;
  wwn_with_extension?: string | null;
  wwn_vendor_extension?: string | null;
  hctl?: string | null;
  by_path?: string | readonly string[] | null;
  tran?: string | null;
}

const GIB = 2 ** 30;
/** Without hints, a smaller disk never becomes the root disk. */
const SMALLEST_ROOT = 4 * GIB;

/**
 * The disk to install on. With hints: the first that fits them all. Without: the smallest of at least 4 GiB, among
 * equals the first by name, as upstream selects it.
 * @param hints as in `root_device`; undefined, null and {} mean none
 * @throws InvalidError for malformed hints, and for a serial number that several disks have
 */
export function selectRootDevice<T extends RootDeviceCandidate>(
  devices: readonly T[],
  hints: unknown,
): T | undefined {
  if (hints === undefined || hints === null || Object.keys(hints).length === 0) {
    return devices
      .filter((device) => device.size >= SMALLEST_ROOT)
      .sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1))[0];
  }
  return deviceByHints(devices, hints);
}

/**
 * The first device that fits all hints.
 * @throws InvalidError for malformed hints, and for a serial number that several disks have
 */
export function deviceByHints<T extends RootDeviceCandidate>(
  devices: readonly T[],
  hints: unknown,
): T | undefined {
  const found = findDevicesByHints(devices, hints);
  refuseEqual(found, parseRootDeviceHints(hints));
  return found[0];
}

/**
 * Refuses a serial number that several disks have: behind some RAID controllers all disks report the controller's.
 * Paths of one multipath disk are accepted: their WWN is the same.
 */
function refuseEqual(found: readonly RootDeviceCandidate[], hints: readonly Hint[]): void {
  const [first, ...others] = found;
  if (!first || !hints.some(({ name }) => name === 'serial')) return;
  const serials = attribute(first, 'serial');
  const equal = others.filter(
    (other) =>
      attribute(other, 'serial').some((serial) => serials.includes(serial) && meant(serial, hints)) &&
      !(first.wwn_with_extension && first.wwn_with_extension === other.wwn_with_extension),
  );
  if (equal.length === 0) return;
  throw new InvalidError(
    `The hint "serial" fits several disks equally: ${[first, ...equal].map(({ name }) => name).join(', ')}. Name ` +
      'another one, such as wwn_with_extension, hctl or by_path',
  );
}

/** Whether the hints match this serial number. */
function meant(serial: string, hints: readonly Hint[]): boolean {
  return hints.every((hint) => hint.name !== 'serial' || fits({ ...NO_DISK, serial }, hint));
}

const NO_DISK = { name: '', size: 0, rotational: false } as const;

/** Every device that fits all hints. @throws InvalidError for malformed hints */
export function findDevicesByHints<T extends RootDeviceCandidate>(
  devices: readonly T[],
  hints: unknown,
): T[] {
  const parsed = parseRootDeviceHints(hints);
  return devices.filter((device) => parsed.every((hint) => fits(device, hint)));
}

function fits(device: RootDeviceCandidate, hint: Hint): boolean {
  if (hint.kind === 'boolean') return device.rotational === hint.value;
  const values = attribute(device, hint.name);
  if (values.length === 0) return false; // a missing attribute fits no hint, not even "!="
  switch (hint.kind) {
    case 'range': {
      const { low, lowIncluded, high, highIncluded } = hint.range;
      return values.map(Number).some((value) => {
        return (lowIncluded ? value >= low : value > low) && (highIncluded ? value <= high : value < high);
      });
    }
    case 'number':
      return values.map(Number).some((value) => compareNumber(value, hint.operator, hint.values));
    case 'text': {
      if (hint.operator === '<all-in>') {
        const words = new Set(values.flatMap((value) => [value, ...value.split(/[\s,]+/)]));
        return hint.values.every((value) => words.has(value));
      }
      return values.some((value) => compareText(value, hint.operator, hint.values));
    }
  }
}

/** Values in lower case, trimmed; size in GiB. */
function attribute(device: RootDeviceCandidate, name: HintName): string[] {
  if (name === 'size') return [String(device.size / GIB)];
  const value = device[name];
  const list = Array.isArray(value) ? (value as readonly string[]) : [value as string | null | undefined];
  return list
    .filter((item): item is string => typeof item === 'string')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
}

function compareNumber(value: number, operator: HintOperator, operands: readonly number[]): boolean {
  const operand = operands[0]!;
  switch (operator) {
    case '=':
    case '>=':
      return value >= operand;
    case '==':
      return value === operand;
    case '!=':
      return value !== operand && !Number.isNaN(value);
    case '<=':
      return value <= operand;
    case '<':
      return value < operand;
    case '>':
      return value > operand;
    case '<or>':
      return operands.includes(value);
    default:
      return false;
  }
}

function compareText(value: string, operator: HintOperator, operands: readonly string[]): boolean {
  const operand = operands[0]!;
  switch (operator) {
    case 's==':
      return value === operand;
    case 's!=':
      return value !== operand;
    case 's<':
      return value < operand;
    case 's<=':
      return value <= operand;
    case 's>':
      return value > operand;
    case 's>=':
      return value >= operand;
    case '<in>':
      return value.includes(operand);
    case '<or>':
      return operands.includes(value);
    default:
      return false;
  }
}

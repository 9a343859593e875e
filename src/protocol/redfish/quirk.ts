import { type Resource, textOf } from './resource.js';
import type { ServiceRoot } from './service-root.js';

/** What a service says of itself: all that a row of the quirk table may ask for. */
export interface Identity {
  /** ServiceRoot.Vendor, else the first of its Oem names, else ComputerSystem.Manufacturer. */
  readonly vendor: string;
  readonly product: string;
  readonly manufacturer: string;
  readonly model: string;
  /** Of the Manager; '' while it was not asked for. */
  readonly managerModel: string;
  readonly firmware: string;
}

/** Where and how a machine differs from the specification. A row of the table sets some of them. */
export interface Differences {
  /**
   * What a change of the boot override says: only what changes, or Mode, Enabled and Target together each time (a BMC that
   * ignores or refuses part of them, or falls back to Legacy).
   */
  readonly bootPayload?: 'changes' | 'whole';
  /** BootSourceOverrideEnabled is said although it is so already. */
  readonly alwaysSayEnabled?: boolean;
  /** BootSourceOverrideMode must not be said at all. */
  readonly modeReadOnly?: boolean;
  /** A PATCH that ends the override keeps its target. */
  readonly keepTargetWhenDisabling?: boolean;
  /** Target for a virtual CD, where it is among the allowed ones; others follow. */
  readonly cdTargets?: readonly string[];
  /** Why booting from virtual media is refused, and what helps. */
  readonly noVirtualMediaBoot?: string;
  /** The only slot of virtual media that works. */
  readonly onlySlot?: string;
  /** Slots that take no URL, by the beginning of their Id. */
  readonly slotsWithoutUrl?: readonly string[];
  /** Slots that are tried first, by the beginning of their Id. */
  readonly slotsFirst?: readonly string[];
  /** InsertMedia takes the image alone. */
  readonly insertImageOnly?: boolean;
  /** ForceRestart can hang: off, this many ms, on. */
  readonly restartByOffOn?: number;
  /** Which property of the System is the machine's serial number. */
  readonly serialFrom?: 'SerialNumber' | 'SKU';
  /** HttpBootUri is not there, or not writable. */
  readonly noHttpBootUri?: boolean;
  /** The service has no sessions that are worth trying. */
  readonly basicOnly?: boolean;
}

export interface Match {
  readonly vendor?: RegExp;
  readonly product?: RegExp;
  readonly model?: RegExp;
  readonly managerModel?: RegExp;
  /** Firmware versions from this one on, compared number by number. */
  readonly from?: string;
  /** Firmware versions before this one. */
  readonly below?: string;
}

/** A row: what was seen at which machines, what a client does about it, and who reported it. */
export interface Quirk {
  readonly id: string;
  readonly machines: string;
  readonly symptom: string;
  readonly client: string;
  readonly source: string;
  /**
   * `rule`: the client does it with every service, so no match is needed. `row`: by `match` and `differences`. `refused`:
   * Ferric does not do it with such a machine, and says so. `open`: nothing is done about it yet.
   */
  readonly by: 'rule' | 'row' | 'refused' | 'open';
  readonly match?: Match;
  readonly differences?: Differences;
}

/** @param manager where it was asked for */
export function identityOf(root: ServiceRoot, system?: Resource, manager?: Resource): Identity {
  const manufacturer = textOf(system, 'Manufacturer') ?? '';
  return {
    vendor: root.vendor ?? (root.oem[0] || manufacturer),
    product: root.product ?? '',
    manufacturer,
    model: textOf(system, 'Model') ?? '',
    managerModel: textOf(manager, 'Model') ?? '',
    firmware: textOf(manager, 'FirmwareVersion') ?? '',
  };
}

/** Later rows are stronger. */
export function differencesOf(identity: Identity, table: readonly Quirk[]): Differences {
  return Object.assign(
    {},
    ...table.filter((row) => row.match && matches(row.match, identity)).map((row) => row.differences),
  ) as Differences;
}

/** A row that asks for a firmware version does not match while none is known: nothing is assumed of it. */
function matches(match: Match, identity: Identity): boolean {
  const { vendor, product, model, managerModel, from, below } = match;
  if (vendor && !vendor.test(identity.vendor) && !vendor.test(identity.manufacturer)) return false;
  if (product && !product.test(identity.product)) return false;
  if (model && !model.test(identity.model)) return false;
  if (managerModel && !managerModel.test(identity.managerModel)) return false;
  if (from === undefined && below === undefined) return true;
  if (numbers(identity.firmware).length === 0) return false;
  if (from !== undefined && compareVersions(identity.firmware, from) < 0) return false;
  return below === undefined || compareVersions(identity.firmware, below) < 0;
}

/** By the numbers in them, one after another: `4.40.10.00` > `4.9`, `iLO 5 v2.72` > `2.70`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first run of digits with dots: what stands before it is a name (`iLO 5 v2.72`). */
function numbers(version: string): number[] {
  const dotted = /\d+(?:\.\d+)+/.exec(version)?.[0] ?? /\d+/.exec(version)?.[0];
  return dotted?.split('.').map(Number) ?? [];
}

import { type Resource, textOf } from './resource.js';
import type { ServiceRoot } from './service-root.js';

/** Identity of a service: everything that a row of the quirk table can match. */
export interface Identity {
  /** ServiceRoot.Vendor, else the first of its Oem names, else ComputerSystem.Manufacturer. */
  readonly vendor: string;
  readonly product: string;
  readonly manufacturer: string;
  readonly model: string;
  /** From the Manager; '' until it is read. */
  readonly managerModel: string;
  readonly firmware: string;
}

/** Deviations of a machine from the specification. A row of the table sets some of them. */
export interface Differences {
  /**
   * What a change of the boot override sends: only the changed properties, or always Mode, Enabled and Target together
   * (for a BMC that ignores or refuses part of them, or falls back to Legacy).
   */
  readonly bootPayload?: 'changes' | 'whole';
  /** BootSourceOverrideEnabled is sent even if unchanged. */
  readonly alwaysSayEnabled?: boolean;
  /** BootSourceOverrideMode must not be sent at all. */
  readonly modeReadOnly?: boolean;
  /** A PATCH that ends the override keeps its target. */
  readonly keepTargetWhenDisabling?: boolean;
  /** Targets for a virtual CD, if they are among the allowed ones; the usual ones follow. */
  readonly cdTargets?: readonly string[];
  /** Why booting from virtual media is refused, and the remedy. */
  readonly noVirtualMediaBoot?: string;
  /** The only virtual media slot that works. */
  readonly onlySlot?: string;
  /** Slots that accept no URL, by the beginning of their Id. */
  readonly slotsWithoutUrl?: readonly string[];
  /** Slots that are tried first, by the beginning of their Id. */
  readonly slotsFirst?: readonly string[];
  /** InsertMedia accepts only the image. */
  readonly insertImageOnly?: boolean;
  /** ForceRestart can hang: instead power off, a pause of this many ms, power on. */
  readonly restartByOffOn?: number;
  /** Which property of the System holds the machine's serial number. */
  readonly serialFrom?: 'SerialNumber' | 'SKU';
  /** HttpBootUri is missing, or read-only. */
  readonly noHttpBootUri?: boolean;
  /** Where, below the Manager, jobs are kept whose tasks have been deleted. */
  readonly jobsBelowManager?: string;
  /** The service has no usable sessions. */
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

/** A row: the symptom and its machines, the client's reaction, and the source of the report. */
export interface Quirk {
  readonly id: string;
  readonly machines: string;
  readonly symptom: string;
  readonly client: string;
  readonly source: string;
  /**
   * `rule`: the client does it with every service, so no match is needed. `row`: by `match` and `differences`. `refused`:
   * Ferric refuses the operation on such a machine, with the reason. `open`: not handled yet, or by
   * code that no test shows.
   */
  readonly by: 'rule' | 'row' | 'refused' | 'open';
  readonly match?: Match;
  readonly differences?: Differences;
}

/** @param manager if it was read */
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

/** Later rows override earlier ones. */
export function differencesOf(identity: Identity, table: readonly Quirk[]): Differences {
  return Object.assign(
    {},
    ...table.filter((row) => row.match && matches(row.match, identity)).map((row) => row.differences),
  ) as Differences;
}

/** A row with a firmware version does not match while the version is unknown. */
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

/** Compares the numbers in them one by one: `4.40.10.00` > `4.9`, `iLO 5 v2.72` > `2.70`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first run of digits with dots: text before it is a name (`iLO 5 v2.72`). */
function numbers(version: string): number[] {
  const dotted = /\d+(?:\.\d+)+/.exec(version)?.[0] ?? /\d+/.exec(version)?.[0];
  return dotted?.split('.').map(Number) ?? [];
}

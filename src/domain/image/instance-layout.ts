// The fields of instance_info that describe the disk layout of a partition image.
import { InvalidError } from '../errors.js';
import { isAbsent } from '../json.js';
import type { BootMode } from '../node/boot-device.js';
import { type DiskLabel, defaultLabel, planPartitions } from './disk-layout.js';

/** What agents receive, with upstream's names (ironic/drivers/modules/deploy_utils.py, parse_instance_info). */
export interface InstanceLayout {
  root_gb: number;
  root_mb: number;
  swap_mb: number;
  ephemeral_gb: number;
  ephemeral_mb: number;
  ephemeral_format: string | null;
  preserve_ephemeral: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parameters that must stay the same in a rebuild that keeps the ephemeral partition. */
export const LAYOUT_PARAMETERS = ['root_gb', 'swap_mb', 'ephemeral_gb'] as const;
const FORMATS = ['ext2', 'ext3', 'ext4', 'xfs', 'vfat'];
/** 16 TiB: more than an ext4 with 4 KiB blocks can have. */
const MOST_MB = 16 * 2 ** 20;

/**
 * @param deployed the sizes of the previous deployment, where there was one
 * @throws InvalidError naming every fault, with Ironic's messages where it has them
 */
export function parseInstanceLayout(
  fields: Fields,
  defaults: { ephemeralFormat: string },
  deployed?: Fields,
): InstanceLayout {
  const faults: string[] = [];
  const number = (name: string, fallback: number | undefined, perUnit: number): number => {
    const value = isAbsent(fields[name]) ? fallback : fields[name];
    if (value === undefined) {
      faults.push(
        `Some parameters were missing in node's instance_info. Missing are: ['${name}'] (a partition image needs it)`,
      );
      return 0;
    }
    const text = String(value).trim();
    const parsed = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(parsed)) {
      faults.push(
        `Cannot validate parameter for deploy. Invalid parameter ${name}. Reason: ${text.slice(0, 64)} is not an integer value.`,
      );
      return 0;
    }
    if (parsed * perUnit > MOST_MB) faults.push(`${name}: is more than any disk holds`);
    return parsed;
  };
  const root_gb = number('root_gb', undefined, 1024);
  const swap_mb = number('swap_mb', 0, 1);
  const ephemeral_gb = number('ephemeral_gb', 0, 1024);
  if (faults.length === 0 && root_gb === 0) faults.push('root_gb: must be at least 1 for a partition image');
  const preserve_ephemeral = flag(fields['preserve_ephemeral'], faults);
  const format = isAbsent(fields['ephemeral_format']) ? defaults.ephemeralFormat : fields['ephemeral_format'];
  if (!FORMATS.some((known) => known === format)) {
    faults.push(`ephemeral_format: must be one of ${FORMATS.join(', ')}`);
  }
  if (preserve_ephemeral && faults.length === 0) {
    if (ephemeral_gb === 0) faults.push('preserve_ephemeral: there is no ephemeral_gb to preserve');
    faults.push(...changesOf({ root_gb, swap_mb, ephemeral_gb }, deployed));
  }
  if (faults.length > 0) throw new InvalidError(faults.join('; '));
  return {
    root_gb,
    root_mb: root_gb * 1024,
    swap_mb,
    ephemeral_gb,
    ephemeral_mb: ephemeral_gb * 1024,
    ephemeral_format: ephemeral_gb === 0 ? null : (format as string),
    preserve_ephemeral,
  };
}

/**
 * The disk's label; also checks that a disk with that label can hold the layout.
 * @param wanted capabilities.disk_label
 * @throws InvalidError
 */
export function labelFor(
  layout: InstanceLayout,
  bootMode: BootMode,
  wanted: string | undefined,
  configDrive: boolean,
): DiskLabel {
  if (wanted !== undefined && wanted !== 'gpt' && wanted !== 'msdos') {
    throw new InvalidError('capabilities: disk_label must be msdos or gpt');
  }
  const label = wanted ?? defaultLabel(bootMode);
  planPartitions({
    label,
    bootMode,
    root: layout.root_mb,
    swap: layout.swap_mb,
    ephemeral: layout.ephemeral_mb,
    configDrive: configDrive ? 1 : 0,
  });
  return label;
}

function changesOf(wanted: Readonly<Record<string, number>>, deployed: Fields | undefined): string[] {
  if (deployed === undefined) {
    return [
      'preserve_ephemeral: nothing is known of a deployment of this node whose partitions could be kept',
    ];
  }
  const changes = LAYOUT_PARAMETERS.filter((name) => Number(deployed[name] ?? 0) !== wanted[name]).map(
    (name) =>
      ` Deployed value of ${name} was ${Number(deployed[name] ?? 0)} but requested value is ${wanted[name]}.`,
  );
  if (changes.length === 0) return [];
  return [`The following parameters have different values from previous deployment:${changes.join('')}`];
}

function flag(value: unknown, faults: string[]): boolean {
  if (isAbsent(value)) return false;
  const text = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (!['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) {
    faults.push('preserve_ephemeral: must be true or false');
  }
  return false;
}

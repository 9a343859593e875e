/** What is known of a machine's insides, named as the API names it. */

export interface BiosSetting {
  name: string;
  value: string | null;
  attribute_type?: string | null;
  allowable_values?: string[] | null;
  lower_bound?: number | null;
  upper_bound?: number | null;
  min_length?: number | null;
  max_length?: number | null;
  read_only?: boolean | null;
  reset_required?: boolean | null;
  unique?: boolean | null;
}

export interface FirmwareComponent {
  component: string;
  current_version: string;
  /** Set when it was flashed, not only read. */
  last_version_flashed?: string | null;
  vendor?: string | null;
  model?: string | null;
  serial_number?: string | null;
}

/** Parts with lights (Ironic: common/components.py), and what a light can do (common/indicator_states.py). */
export const COMPONENTS = ['chassis', 'system', 'disk', 'power', 'nic'] as const;
export const INDICATOR_STATES = ['off', 'on', 'blinking', 'unknown'] as const;
export type IndicatorState = (typeof INDICATOR_STATES)[number];

/** Devices that take an image over the wire (Ironic: common/boot_devices.py, VMEDIA_DEVICES). */
export const MEDIA_DEVICES = ['disk', 'cdrom', 'floppy'] as const;
export type MediaDevice = (typeof MEDIA_DEVICES)[number];

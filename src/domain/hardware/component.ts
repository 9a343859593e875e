/** Data about a machine's hardware, named as in the API. */

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
  /** Set only when the component was flashed, not when it was read. */
  last_version_flashed?: string | null;
  vendor?: string | null;
  model?: string | null;
  serial_number?: string | null;
}

/** Health of a machine as its BMC reports it (Ironic: common/health_states.py). */
export const HEALTH = ['OK', 'Warning', 'Critical'] as const;
export type HardwareHealth = (typeof HEALTH)[number];

/**
 * Components with indicators (Ironic: common/components.py), and states of an indicator (common/indicator_states.py).
 */
export const COMPONENTS = ['chassis', 'system', 'disk', 'power', 'nic'] as const;
export const INDICATOR_STATES = ['off', 'on', 'blinking', 'unknown'] as const;
export type IndicatorState = (typeof INDICATOR_STATES)[number];

/** Virtual media devices (Ironic: common/boot_devices.py, VMEDIA_DEVICES). */
export const MEDIA_DEVICES = ['disk', 'cdrom', 'floppy'] as const;
export type MediaDevice = (typeof MEDIA_DEVICES)[number];

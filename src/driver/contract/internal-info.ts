import { FerricError } from '../../domain/errors.js';
import { isObject, type JsonObject } from '../../domain/json.js';

type Guard<T> = (value: unknown) => value is T;
type GuardedBy<G> = G extends Guard<infer T> ? T : never;

const text: Guard<string> = (value) => typeof value === 'string';
const textOrNull: Guard<string | null> = (value) => value === null || typeof value === 'string';
const texts: Guard<string[]> = (value) => Array.isArray(value) && value.every((one) => text(one));
const flag: Guard<boolean> = (value) => typeof value === 'boolean';
const count: Guard<number> = (value) => typeof value === 'number';
const object: Guard<JsonObject> = isObject;
const objectOrNull: Guard<JsonObject | null> = (value) => value === null || isObject(value);

/** Fields from lookup, heartbeats and the agent's answers; deleted with the ramdisk. */
const OF_THE_AGENT = {
  agent_url: text,
  agent_verify_ca: text,
  agent_secret_token: text,
  /** The ramdisk's boot medium carries the token. */
  agent_secret_token_pregenerated: flag,
  /** Fingerprint of the client that received the token. */
  agent_token_asker: text,
  /** ISO time. */
  agent_last_heartbeat: text,
  agent_version: text,
  agent_status: text,
  agent_status_message: text,
  /** The agent's step lists, by interface; kept when a step restarts its ramdisk. */
  agent_cached_clean_steps: object,
  agent_cached_deploy_steps: object,
  agent_cached_service_steps: object,
  hardware_manager_version: object,
  /** ISO time at which the ramdisk's inspection report arrived. */
  inspection_reported_at: text,
  /** The boot target of the machine's ramdisk (BootTarget); null: as the firmware is set. */
  ramdisk_boot: objectOrNull,
};

/** Fields deleted with the instance. */
const OF_THE_INSTANCE = {
  /** Where the agent gets the image, its checksum and its format. */
  deploy_image: object,
  is_whole_disk_image: flag,
  /** Kernel, ramdisk or ISO that the instance starts from; `in_memory`: it has no disk. */
  instance_boot: object,
  root_uuid_or_disk_id: text,
  /** UUIDs of the partitions `esp` and `prep`. */
  partition_uuids: object,
  /** Sizes of the partitions that a rebuild may be asked to keep. */
  deployed_layout: object,
};

/** The operator's settings for erasing, as agents read them (Ironic: deploy_utils.agent_add_clean_params). */
const OF_ERASING = {
  agent_erase_devices_iterations: count,
  agent_erase_devices_zeroize: flag,
  agent_continue_if_secure_erase_failed: flag,
  agent_continue_if_ata_erase_failed: flag,
  agent_enable_nvme_secure_erase: flag,
  agent_enable_ata_secure_erase: flag,
  agent_erase_skip_read_only: flag,
  disk_erasure_concurrency: count,
};

const OF_AN_INSPECTION = {
  /** BMC addresses that match a report to the node. */
  lookup_bmc_addresses: texts,
  /** The last part of the report URL of the ramdisk that was booted now. */
  inspection_secret: text,
  /** Why the report of the running ramdisk could not be read. */
  inspection_refused: text,
};

const OF_FAKE_HARDWARE = {
  fake_power_state: text,
  fake_boot_device: text,
  fake_boot_persistent: flag,
  fake_boot_mode: text,
  fake_secure_boot: flag,
  fake_boot_published: textOrNull,
  /** Device to image URL. */
  fake_media: object,
  /** `name@component` to state. */
  fake_indicators: object,
  /** `operation/effect` to ms since 1970. */
  fake_begun: object,
};

const FIELDS = {
  ...OF_THE_AGENT,
  ...OF_THE_INSTANCE,
  ...OF_ERASING,
  ...OF_AN_INSPECTION,
  ...OF_FAKE_HARDWARE,
  /** A node that was discovered, not enrolled by a user. */
  auto_discovered: flag,
  /** Progress that a running command of the agent reports. */
  deploy_progress: object,
  clean_progress: object,
  /** `interface.step` of the steps that already ran in a cleaning that started over. */
  clean_steps_done_again: texts,
  /** A service has booted the machine into its ramdisk. */
  service_ramdisk: flag,
  /** The clean-up of failed work has begun to reset a machine that must not lose power. */
  clean_up_reset: flag,
  /** For BMCs that forget their boot device (driver_info.ipmi_force_boot_device). */
  persistent_boot_device: text,
  is_next_boot_persistent: flag,
  /** The persistent boot device of a machine whose BMC keeps one for a single start: device, leaveNext. */
  redfish_boot_device: object,
  /** The fingerprint pinned by `redfish_pin_certificate: true`. */
  redfish_pinned_certificate: text,
} as const;

/** All fields that Ferric keeps in a node's driver_internal_info, under Ironic's names where it has them. */
export type InternalInfo = { -readonly [Key in keyof typeof FIELDS]: GuardedBy<(typeof FIELDS)[Key]> };
export type InternalKey = keyof InternalInfo;
type Holder = { readonly driver_internal_info: JsonObject };

const KEYS = Object.keys(FIELDS) as InternalKey[];
export const AGENT_KEYS = Object.keys(OF_THE_AGENT) as (keyof typeof OF_THE_AGENT)[];
export const INSTANCE_KEYS = Object.keys(OF_THE_INSTANCE) as (keyof typeof OF_THE_INSTANCE)[];
/** Fields that commands to the agent carry: any program on the machine can see them. */
export const KEYS_FOR_AGENTS: readonly string[] = [
  ...Object.keys(OF_ERASING),
  'is_whole_disk_image',
  'wipe_special_filesystems',
];

/**
 * Fields by which a peer is admitted. If one counted as absent, nothing would be demanded: a second token would be given
 * out, a report accepted without its secret, another certificate or callback URL pinned.
 */
const ADMITTING: ReadonlySet<InternalKey> = new Set<InternalKey>([
  'agent_secret_token',
  'agent_secret_token_pregenerated',
  'agent_token_asker',
  'agent_last_heartbeat',
  'agent_url',
  'agent_verify_ca',
  'inspection_secret',
  'lookup_bmc_addresses',
  'redfish_pinned_certificate',
]);

/**
 * The fields kept with a node. A value of the wrong type counts as absent, but for fields that admit a peer: reading
 * one of those throws, until it is written or deleted.
 * @throws FerricError internal, on reading such a field
 */
export function internalOf({ driver_internal_info: kept }: Holder): Readonly<Partial<InternalInfo>> {
  const info: Partial<InternalInfo> = {};
  for (const key of KEYS) {
    const value = kept[key];
    if (value === undefined) continue;
    if (FIELDS[key](value)) Object.defineProperty(info, key, { value, enumerable: true });
    else if (ADMITTING.has(key))
      Object.defineProperty(info, key, { get: () => refuse(key), enumerable: true });
  }
  return info;
}

function refuse(key: InternalKey): never {
  throw new FerricError(
    'internal',
    `driver_internal_info.${key} of the node has a value of the wrong type, and admits nobody.`,
  );
}

/** driver_internal_info with some fields changed, the others unchanged. @param changes undefined: deleted */
export function changedInternal(
  { driver_internal_info: kept }: Holder,
  changes: { readonly [Key in InternalKey]?: InternalInfo[Key] | undefined },
): JsonObject {
  const entries = Object.entries(changes);
  const gone = entries.flatMap(([key, value]) => (value === undefined ? [key] : []));
  const set = entries.filter(
    (change): change is [string, InternalInfo[InternalKey]] => change[1] !== undefined,
  );
  return Object.fromEntries([...Object.entries(kept).filter(([key]) => !gone.includes(key)), ...set]);
}

/** driver_internal_info without some fields. */
export function withoutInternal(holder: Holder, keys: readonly InternalKey[]): JsonObject {
  return changedInternal(holder, Object.fromEntries(keys.map((key) => [key, undefined])));
}

/** The fields that an agent receives. */
export function internalForAgents({ driver_internal_info: kept }: Holder): JsonObject {
  return Object.fromEntries(Object.entries(kept).filter(([key]) => KEYS_FOR_AGENTS.includes(key)));
}

/**
 * Fields that an operation keeps for itself and that would mislead the next one: it would show the bytes of another
 * deployment, skip steps that it did not run, or restart a machine that serves an instance. Each with the kinds of
 * operation that continue with it. Fields of the ramdisk end with the ramdisk, those of the instance with the instance.
 */
const LEFT_BEHIND: Readonly<Partial<Record<InternalKey, readonly string[]>>> = {
  deploy_progress: [],
  clean_progress: [],
  clean_steps_done_again: [],
  clean_up_reset: [],
  // A failed service leaves the machine in its ramdisk; the next service, or its abort, leads back.
  service_ramdisk: ['service'],
};

/** @returns null if an operation of this kind finds no field of another operation */
export function withoutLeftBehind({ driver_internal_info: kept }: Holder, kind: string): JsonObject | null {
  const stale = KEYS.filter((key) => kept[key] !== undefined && LEFT_BEHIND[key]?.includes(kind) === false);
  return stale.length === 0 ? null : withoutInternal({ driver_internal_info: kept }, stale);
}

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

/** What lookup, heartbeats and the agent's answers leave; it dies with the ramdisk. */
const OF_THE_AGENT = {
  agent_url: text,
  agent_verify_ca: text,
  agent_secret_token: text,
  /** The ramdisk brings its token, from the medium that it starts from. */
  agent_secret_token_pregenerated: flag,
  /** Fingerprint of whoever was given the token. */
  agent_token_asker: text,
  /** ISO time. */
  agent_last_heartbeat: text,
  agent_version: text,
  agent_status: text,
  agent_status_message: text,
  /** What the agent listed, by interface; kept where a step has its ramdisk started anew. */
  agent_cached_clean_steps: object,
  agent_cached_deploy_steps: object,
  agent_cached_service_steps: object,
  hardware_manager_version: object,
  /** ISO time at which the ramdisk's report of an inspection came. */
  inspection_reported_at: text,
  /** What the machine is started from for its ramdisk (BootTarget); null: as its firmware is set. */
  ramdisk_boot: objectOrNull,
};

/** What is gone with the instance. */
const OF_THE_INSTANCE = {
  /** Where the agent gets the image, and what it has to be. */
  deploy_image: object,
  is_whole_disk_image: flag,
  /** Kernel, ramdisk or ISO that the instance starts from; `in_memory` where that is all of it. */
  instance_boot: object,
  root_uuid_or_disk_id: text,
  /** UUIDs of the partitions `esp` and `prep`. */
  partition_uuids: object,
  /** Sizes of the partitions that a rebuild may be asked to keep. */
  deployed_layout: object,
};

/** The operator's wishes for erasing, as agents read them (Ironic: deploy_utils.agent_add_clean_params). */
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
  /** BMC addresses by which a report is told to be the node's. */
  lookup_bmc_addresses: texts,
  /** What the ramdisk that was booted now ends its report's URL with. */
  inspection_secret: text,
  /** Why the report of the ramdisk that runs now could not be read. */
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
  /** A node that nobody enrolled. */
  auto_discovered: flag,
  /** What a command of the agent says of itself while it runs. */
  deploy_progress: object,
  clean_progress: object,
  /** `interface.step` of those that ran already in a cleaning that began anew. */
  clean_steps_done_again: texts,
  /** A service has the machine in its ramdisk. */
  service_ramdisk: flag,
  /** For BMCs that forget their boot device (driver_info.ipmi_force_boot_device). */
  persistent_boot_device: text,
  is_next_boot_persistent: flag,
  /** What is to persist on a machine whose BMC keeps a boot device for one start alone: device, leaveNext. */
  redfish_boot_device: object,
  /** The fingerprint that `redfish_pin_certificate: true` has led to. */
  redfish_pinned_certificate: text,
} as const;

/** All that Ferric keeps in a node's driver_internal_info. Names are Ironic's where it has them. */
export type InternalInfo = { -readonly [Key in keyof typeof FIELDS]: GuardedBy<(typeof FIELDS)[Key]> };
export type InternalKey = keyof InternalInfo;
type Holder = { readonly driver_internal_info: JsonObject };

const KEYS = Object.keys(FIELDS) as InternalKey[];
export const AGENT_KEYS = Object.keys(OF_THE_AGENT) as (keyof typeof OF_THE_AGENT)[];
export const INSTANCE_KEYS = Object.keys(OF_THE_INSTANCE) as (keyof typeof OF_THE_INSTANCE)[];
/** What commands of the agent are told of it: whoever runs on the machine sees that. */
export const KEYS_FOR_AGENTS: readonly string[] = [
  ...Object.keys(OF_ERASING),
  'is_whole_disk_image',
  'wipe_special_filesystems',
];

/** What is kept with a node. A value of another type than its own is as good as none. */
export function internalOf({ driver_internal_info: kept }: Holder): Readonly<Partial<InternalInfo>> {
  return Object.fromEntries(
    KEYS.flatMap((key) => {
      const value = kept[key];
      return value !== undefined && FIELDS[key](value) ? [[key, value]] : [];
    }),
  ) as Partial<InternalInfo>;
}

/** driver_internal_info with some of it changed, all else as it stands. @param changes undefined: is gone */
export function changedInternal(
  { driver_internal_info: kept }: Holder,
  changes: { readonly [Key in InternalKey]?: InternalInfo[Key] | undefined },
): JsonObject {
  const told = Object.entries(changes);
  const gone = told.flatMap(([key, value]) => (value === undefined ? [key] : []));
  const set = told.filter((change): change is [string, InternalInfo[InternalKey]] => change[1] !== undefined);
  return Object.fromEntries([...Object.entries(kept).filter(([key]) => !gone.includes(key)), ...set]);
}

/** driver_internal_info without some of it. */
export function withoutInternal(holder: Holder, keys: readonly InternalKey[]): JsonObject {
  return changedInternal(holder, Object.fromEntries(keys.map((key) => [key, undefined])));
}

/** What an agent is shown of it. */
export function internalForAgents({ driver_internal_info: kept }: Holder): JsonObject {
  return Object.fromEntries(Object.entries(kept).filter(([key]) => KEYS_FOR_AGENTS.includes(key)));
}

/**
 * What an operation leaves for itself, and what means nothing to the next one: it would show the bytes of another
 * deployment, pass over steps that it did not run, or start a machine that serves an instance. With the kinds of
 * operation that go on with it. What belongs to the ramdisk goes with the ramdisk, what belongs to the instance with that.
 */
const LEFT_BEHIND: Readonly<Partial<Record<InternalKey, readonly string[]>>> = {
  deploy_progress: [],
  clean_steps_done_again: [],
  // A service that failed leaves the machine in its ramdisk; the next one, or its abort, brings it back.
  service_ramdisk: ['service'],
};

/** @returns null where an operation of this kind finds nothing of another one */
export function withoutLeftBehind({ driver_internal_info: kept }: Holder, kind: string): JsonObject | null {
  const stale = KEYS.filter((key) => kept[key] !== undefined && LEFT_BEHIND[key]?.includes(kind) === false);
  return stale.length === 0 ? null : withoutInternal({ driver_internal_info: kept }, stale);
}

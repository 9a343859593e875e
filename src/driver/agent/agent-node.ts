import type { DeploySettings } from '../../config/section/deploy.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { BOOT_DEVICES } from '../../domain/node/boot-device.js';
import type { BootTarget } from '../contract/boot.js';
import type { DriverContext, DriverNode } from '../contract/context.js';
import {
  AGENT_KEYS,
  changedInternal,
  type InternalInfo,
  internalForAgents,
  internalOf,
  withoutInternal,
} from '../contract/internal-info.js';

/** The ramdisk's boot target, for driver_internal_info: a later step may have to start the ramdisk again. */
export function keepRamdiskBoot(target: BootTarget | null): Partial<InternalInfo> {
  if (target === null) return { ramdisk_boot: null };
  const { agentToken, uri, ...plain } = target;
  // The name makes it a secret: the disc behind the URL carries the agent's token.
  const kept = { ...plain, ...(uri === undefined ? {} : { secret_uri: uri }) };
  return { ramdisk_boot: kept, ...(agentToken === undefined ? {} : tokenOfItsOwn(agentToken)) };
}

/** Stored as Ironic stores a token that the ramdisk received before it started (deploy_utils, add_secret_token). */
function tokenOfItsOwn(token: string): Partial<InternalInfo> {
  return { agent_secret_token: token, agent_secret_token_pregenerated: true };
}

/** The token that the ramdisk's boot medium carries: a restart from that medium uses the same token. */
export function mediumToken(node: DriverNode): Partial<InternalInfo> {
  const { agent_secret_token: token, agent_secret_token_pregenerated: given } = internalOf(node);
  return given === true && token !== undefined ? tokenOfItsOwn(token) : {};
}

/** @returns null where the firmware's own setting decides, undefined where no target was saved */
export function ramdiskBoot(node: DriverNode): BootTarget | null | undefined {
  const { ramdisk_boot: kept } = internalOf(node);
  if (!kept) return kept;
  const device = BOOT_DEVICES.find((one) => one === kept['device']);
  if (device === undefined) return undefined;
  const { mode, secret_uri: uri } = kept;
  return {
    device,
    persistent: kept['persistent'] === true,
    ...(mode === 'bios' || mode === 'uefi' ? { mode } : {}),
    ...(typeof uri === 'string' ? { uri } : {}),
  };
}

/** The operator's settings for erasing, as upstream's agent reads them (deploy_utils.agent_add_clean_params). */
export function eraseParameters(settings: DeploySettings): Partial<InternalInfo> {
  return {
    agent_erase_devices_iterations: settings.shred_random_overwrite_iterations,
    agent_erase_devices_zeroize: settings.shred_final_overwrite_with_zeros,
    agent_continue_if_secure_erase_failed: settings.continue_if_disk_secure_erase_fails,
    agent_continue_if_ata_erase_failed: settings.continue_if_disk_secure_erase_fails,
    agent_enable_nvme_secure_erase: settings.enable_nvme_secure_erase,
    agent_enable_ata_secure_erase: settings.enable_ata_secure_erase,
    agent_erase_skip_read_only: settings.erase_skip_read_only,
    disk_erasure_concurrency: settings.disk_erasure_concurrency,
  };
}

/**
 * Forgets the agent: its token becomes invalid, and the next ramdisk registers anew. Call it only after the machine is
 * off: an agent that still runs could obtain the new token.
 */
export async function forgetAgent(context: DriverContext, more: Partial<InternalInfo> = {}): Promise<void> {
  await context.save({}); // its lookup or heartbeat may have come in meanwhile: see the newest state
  const driver_internal_info = withoutInternal(context.node, AGENT_KEYS);
  await context.save({ driver_internal_info: changedInternal({ driver_internal_info }, more) });
}

/** The agent's step lists, for a step that restarts the agent. */
export function stepLists(node: DriverNode): Partial<InternalInfo> {
  const kept = internalOf(node);
  return Object.fromEntries(STEP_LISTS.flatMap((key) => (kept[key] ? [[key, kept[key]]] : [])));
}

const STEP_LISTS = [
  'agent_cached_clean_steps',
  'agent_cached_deploy_steps',
  'agent_cached_service_steps',
  'hardware_manager_version',
] as const;

const SHOWN_INSTANCE = ['root_device', 'capabilities', 'traits', 'display_name'];

/**
 * The node as commands carry it: only the fields that agents read. Any program on the machine can see it, so it holds
 * no credential of the BMC, no token and no URL.
 * @param more fields of the instance, besides what the user wrote
 */
export function agentNode(node: DriverNode, more: JsonObject = {}): JsonObject {
  return {
    uuid: node.uuid,
    name: node.name,
    driver: node.driver,
    properties: node.properties,
    instance_info: { ...pick(node.instance_info, (key) => SHOWN_INSTANCE.includes(key)), ...more },
    driver_info: pick(node.driver_info, (key) => key.startsWith('agent_burnin_')),
    driver_internal_info: internalForAgents(node),
    target_raid_config: {},
    raid_config: {},
    extra: {},
  };
}

export function agentPorts(context: DriverContext): Json[] {
  return context.ports.map(({ uuid, address, pxe_enabled }) => ({ uuid, address, pxe_enabled }));
}

function pick(object: JsonObject, shown: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => shown(key)));
}

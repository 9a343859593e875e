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

/** What the ramdisk is started from, for driver_internal_info: a later step may have to start it once more. */
export function keepRamdiskBoot(target: BootTarget | null): Partial<InternalInfo> {
  if (target === null) return { ramdisk_boot: null };
  const { agentToken, ...kept } = target;
  return { ramdisk_boot: kept, ...(agentToken === undefined ? {} : tokenOfItsOwn(agentToken)) };
}

/** As Ironic keeps one that the ramdisk was given before it started (deploy_utils, add_secret_token). */
function tokenOfItsOwn(token: string): Partial<InternalInfo> {
  return { agent_secret_token: token, agent_secret_token_pregenerated: true };
}

/** The token of a ramdisk that has it from its medium: started again from that, it has the same. */
export function mediumToken(node: DriverNode): Partial<InternalInfo> {
  const { agent_secret_token: token, agent_secret_token_pregenerated: given } = internalOf(node);
  return given === true && token !== undefined ? tokenOfItsOwn(token) : {};
}

/** @returns null for what is left to the firmware, undefined where nothing was kept */
export function ramdiskBoot(node: DriverNode): BootTarget | null | undefined {
  const { ramdisk_boot: kept } = internalOf(node);
  if (!kept) return kept;
  const device = BOOT_DEVICES.find((one) => one === kept['device']);
  if (device === undefined) return undefined;
  const { mode, uri } = kept;
  return {
    device,
    persistent: kept['persistent'] === true,
    ...(mode === 'bios' || mode === 'uefi' ? { mode } : {}),
    ...(typeof uri === 'string' ? { uri } : {}),
  };
}

/** The operator's wishes for erasing, as upstream's agent reads them (deploy_utils.agent_add_clean_params). */
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
 * Forgets the agent: its token opens nothing any more, and the next ramdisk reports itself anew. Only after the
 * machine is off, else the one that still runs could ask for the new token.
 */
export async function forgetAgent(context: DriverContext, more: Partial<InternalInfo> = {}): Promise<void> {
  await context.save({}); // its lookup or heartbeat may have come in meanwhile: see the newest state
  const driver_internal_info = withoutInternal(context.node, AGENT_KEYS);
  await context.save({ driver_internal_info: changedInternal({ driver_internal_info }, more) });
}

/** What an agent listed, for a step that has it started anew. */
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
 * The node as commands carry it: what agents read, and nothing else. Whoever runs on the machine sees this, so no
 * credential of the BMC, no token and no URL is in it.
 * @param more of the instance, besides what the user wrote
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

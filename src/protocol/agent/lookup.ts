import { isObject } from '../json.js';
import {
  MalformedBody,
  optionalBoolean,
  optionalString,
  requireObject,
  requireString,
  type UncheckedObject,
} from './malformed-body.js';

/** Placeholder of a token that was issued before (ironic/api/controllers/v1/ramdisk.py). */
export const MASKED_TOKEN = '******';
export const MIN_TOKEN_LENGTH = 32;

/** The node in a lookup's answer: the agent reads hints and boot mode from it, and passes it to no one. */
export interface LookupNode {
  uuid: string;
  properties: UncheckedObject;
  instance_info: UncheckedObject;
  driver_internal_info: UncheckedObject;
}

export interface LookupConfig {
  /** Seconds without a heartbeat after which the conductor considers the agent lost. */
  heartbeat_timeout: number;
  agent_token?: string;
  agent_token_required?: boolean;
  agent_md5_checksum_enable?: boolean;
  disable_deep_image_inspection?: boolean;
  permitted_image_formats?: readonly string[];
  agent_skip_bmc_detect?: boolean;
  /** Whether an agent may run the boot loader's installer of a partition image. */
  enable_bios_bootloader_install?: boolean;
  /** Ferric's own field: an agent that isolates that installer may run it anyway. */
  ferric_contained_bootloader_install?: boolean;
}

/** Answer of `GET /v1/lookup?addresses=…`. */
export interface LookupAnswer {
  node: LookupNode;
  config: LookupConfig;
}

/**
 * Unknown keys are ignored: a newer conductor may send more.
 * @throws MalformedBody
 */
export function parseLookupAnswer(body: unknown): LookupAnswer {
  const top = requireObject(body, '');
  const node = requireObject(top['node'], 'node');
  // Conductors before 1.22 sent heartbeat_timeout at the top.
  const config = requireObject(top['config'] ?? { heartbeat_timeout: top['heartbeat_timeout'] }, 'config');
  const timeout = config['heartbeat_timeout'];
  if (typeof timeout !== 'number' || !(timeout > 0)) {
    throw new MalformedBody('config.heartbeat_timeout', 'must be a number of seconds above zero');
  }
  return {
    node: {
      uuid: requireString(node['uuid'], 'node.uuid'),
      properties: isObject(node['properties']) ? node['properties'] : {},
      instance_info: isObject(node['instance_info']) ? node['instance_info'] : {},
      driver_internal_info: isObject(node['driver_internal_info']) ? node['driver_internal_info'] : {},
    },
    config: {
      heartbeat_timeout: timeout,
      agent_token: optionalString(config['agent_token'], 'config.agent_token'),
      agent_token_required: optionalBoolean(config['agent_token_required'], 'config.agent_token_required'),
      agent_md5_checksum_enable: optionalBoolean(
        config['agent_md5_checksum_enable'],
        'config.agent_md5_checksum_enable',
      ),
      disable_deep_image_inspection: optionalBoolean(
        config['disable_deep_image_inspection'],
        'config.disable_deep_image_inspection',
      ),
      permitted_image_formats: formats(config['permitted_image_formats']),
      agent_skip_bmc_detect: optionalBoolean(config['agent_skip_bmc_detect'], 'config.agent_skip_bmc_detect'),
      enable_bios_bootloader_install: optionalBoolean(
        config['enable_bios_bootloader_install'],
        'config.enable_bios_bootloader_install',
      ),
      ferric_contained_bootloader_install: optionalBoolean(
        config['ferric_contained_bootloader_install'],
        'config.ferric_contained_bootloader_install',
      ),
    },
  };
}

/** A list, or (as older conductors send it) one comma-separated string. */
function formats(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const list = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(list) || list.some((item) => typeof item !== 'string')) {
    throw new MalformedBody('config.permitted_image_formats', 'must be a list of strings');
  }
  return (list as string[]).map((item) => item.trim()).filter((item) => item !== '');
}

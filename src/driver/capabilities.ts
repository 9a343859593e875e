import { isObject, type Json, type JsonObject } from '../domain/json.js';
import type { BootMode } from '../domain/node/boot-device.js';
import { internalOf } from './contract/internal-info.js';

/** `properties.capabilities` is `k:v,k:v`; `instance_info.capabilities` is a JSON object or its text. */
export function capabilitiesOf(value: Json | undefined): Readonly<Record<string, string>> {
  if (isObject(value)) return texts(value);
  if (typeof value !== 'string') return {};
  if (value.trimStart().startsWith('{')) {
    try {
      const parsed = JSON.parse(value) as Json;
      return isObject(parsed) ? texts(parsed) : {};
    } catch {
      return {}; // validate reports it; here it counts as none
    }
  }
  return Object.fromEntries(
    value
      .split(',')
      .map((pair) => pair.trim().split(':', 2))
      .filter((pair): pair is [string, string] => pair.length === 2 && pair[0] !== ''),
  );
}

/** The inverse of `capabilitiesOf`, as `properties.capabilities` has it. */
export function capabilitiesText(capabilities: Readonly<Record<string, string>>): string {
  return Object.entries(capabilities)
    .map(([name, value]) => `${name}:${value}`)
    .join(',');
}

/**
 * The instance's boot mode, else the node's capability, else the default (Ironic: boot_mode_utils.get_boot_mode).
 * @returns undefined for a value that is neither bios nor uefi
 */
export function bootModeOf(
  node: { readonly instance_info: JsonObject; readonly properties: JsonObject },
  fallback: BootMode,
): BootMode | undefined {
  const mode =
    capabilitiesOf(node.instance_info['capabilities'])['boot_mode'] ??
    capabilitiesOf(node.properties['capabilities'])['boot_mode'] ??
    fallback;
  return mode === 'bios' || mode === 'uefi' ? mode : undefined;
}

/**
 * How an instance written as a partition starts: local by its own boot loader, netboot by its kernel and ramdisk from
 * the network. Ironic supported netboot until 2023 and ignores the option since.
 */
export function bootOptionOf(node: { readonly instance_info: JsonObject }): 'local' | 'netboot' {
  return capabilitiesOf(node.instance_info['capabilities'])['boot_option'] === 'netboot'
    ? 'netboot'
    : 'local';
}

/** Whether the instance is a ramdisk or an ISO (deploy interface `ramdisk`), which uses no disk. */
export function livesInMemory(node: { readonly driver_internal_info: JsonObject }): boolean {
  return internalOf(node).instance_boot?.['in_memory'] === true;
}

/** A whole-disk image has no kernel and ramdisk of its own: it starts from its disk whatever is requested. */
export function bootsInstanceByNetwork(node: {
  readonly instance_info: JsonObject;
  readonly driver_internal_info: JsonObject;
}): boolean {
  return (
    livesInMemory(node) ||
    (internalOf(node).is_whole_disk_image === false && bootOptionOf(node) === 'netboot')
  );
}

function texts(object: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, String(value)]));
}

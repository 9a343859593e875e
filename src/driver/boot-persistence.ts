import type { JsonObject } from '../domain/json.js';

/**
 * Whether a boot device is set persistently, by driver_info.force_persistent_boot_device: Default persists the
 * instance's only, Always both, Never none. True and False are old names of Always and Default (Ironic: pxe_base.py).
 */
export function isPersistent(
  node: { readonly driver_info: JsonObject },
  of: 'ramdisk' | 'instance',
): boolean {
  const value = String(node.driver_info['force_persistent_boot_device'] ?? 'default').toLowerCase();
  if (value === 'always' || value === 'true') return true;
  return value !== 'never' && of === 'instance';
}

import type { DeploySettings } from '../../config/section/deploy.js';
import { FerricError, InvalidError } from '../../domain/errors.js';
import { BOOT_LOADER_PATHS, bootLoaderFault } from '../../domain/image/boot-loader.js';
import { type InstanceLayout, labelFor, parseInstanceLayout } from '../../domain/image/instance-layout.js';
import { parseImageReference } from '../../domain/image/reference.js';
import type { JsonObject } from '../../domain/json.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { bootModeOf, bootOptionOf, capabilitiesOf } from '../capabilities.js';
import type { DriverContext, DriverNode } from '../contract/context.js';
import { internalOf } from '../contract/internal-info.js';

const MIB = 2 ** 20;

/** The part of the image service that this room uses. */
export interface FileSystemLook {
  pathsIn(
    path: string,
    paths: readonly string[],
  ): Promise<{ found: ReadonlySet<string> } | { unseen: string }>;
}

/**
 * Checks the fields of instance_info that a partition image needs, before the work begins.
 * @throws InvalidError
 */
export function validatePartitionImage(node: DriverNode, settings: DeploySettings): void {
  const mode = modeOf(node, settings);
  const layout = layoutOf(node, settings);
  labelFor(layout, mode, labelWish(node, mode), hasConfigDrive(node));
  if (bootOptionOf(node) !== 'netboot') return;
  const { image_source, kernel, ramdisk } = node.instance_info;
  // An image of the Image service may name them itself; the service is asked when the work begins.
  if (parseImageReference(image_source, 'image_source').kind !== 'glance') {
    requireBootParts(String(image_source), { kernel, ramdisk });
  }
}

/** @throws InvalidError in Ironic's words (deploy_utils.py, validate_image_properties) */
export function requireBootParts(
  source: string,
  parts: Readonly<Record<'kernel' | 'ramdisk', unknown>>,
): void {
  const missing = (['kernel', 'ramdisk'] as const).filter((name) => !parts[name]);
  if (missing.length > 0) {
    throw new InvalidError(`Image ${source} is missing the following properties: ${missing.join(', ')}`);
  }
}

/**
 * Inspects the image before the machine is touched: whether it fits, and whether it can boot from its disk.
 * @param image as the conductor serves it: raw
 * @throws FerricError image-refused
 */
export async function inspectPartitionImage(
  context: DriverContext,
  image: { path: string; size: number },
  settings: DeploySettings,
  look: FileSystemLook,
): Promise<void> {
  const { node, log } = context;
  const { root_mb } = layoutOf(node, settings);
  if (image.size > root_mb * MIB) {
    throw new FerricError(
      'image-refused',
      `Root partition is too small for requested image. Image virtual size: ${Math.ceil(image.size / MIB)} MB, Root size: ${root_mb} MB`,
    );
  }
  if (bootOptionOf(node) === 'netboot') return;
  const seen = await look.pathsIn(image.path, BOOT_LOADER_PATHS);
  if ('unseen' in seen) {
    // The agent finds out once the image is on the disk.
    log.warn({ reason: seen.unseen }, 'whether the partition image has GRUB could not be seen beforehand');
    return;
  }
  const fault = bootLoaderFault(seen.found, modeOf(node, settings));
  if (fault) throw new FerricError('image-refused', fault);
}

/** Additional write_image arguments: upstream's PARTITION_IMAGE_LABELS (ironic/drivers/modules/agent.py). */
export function partitionArguments(node: DriverNode, settings: DeploySettings): JsonObject {
  const { kernel, ramdisk } = node.instance_info;
  const { root_gb, root_mb, swap_mb, ephemeral_mb, ephemeral_format, preserve_ephemeral } = layoutOf(
    node,
    settings,
  );
  const mode = modeOf(node, settings);
  return {
    image_type: 'partition',
    kernel: kernel ?? null,
    ramdisk: ramdisk ?? null,
    root_gb,
    root_mb,
    swap_mb,
    ephemeral_mb,
    ephemeral_format,
    preserve_ephemeral,
    deploy_boot_mode: mode,
    // As in upstream's conductor: the disk gets a boot partition in any case, even if the instance boots by network.
    boot_option: 'local',
    disk_label: labelFor(layoutOf(node, settings), mode, labelWish(node, mode), hasConfigDrive(node)),
  };
}

/** The layout, for a later rebuild that keeps the ephemeral partition. */
export function layoutRecord(node: DriverNode, settings: DeploySettings): JsonObject {
  const { root_gb, swap_mb, ephemeral_gb } = layoutOf(node, settings);
  return { root_gb, swap_mb, ephemeral_gb };
}

function layoutOf(node: DriverNode, settings: DeploySettings): InstanceLayout {
  const { deployed_layout } = internalOf(node);
  return parseInstanceLayout(
    node.instance_info,
    { ephemeralFormat: settings.default_ephemeral_format },
    deployed_layout,
  );
}

/**
 * The instance's disk_label, else on BIOS the node's. Upstream's agent reads only these two and ignores its disk_label
 * argument; on UEFI it always makes a GPT (ironic_python_agent/utils.py, get_partition_table_type_from_specs).
 */
function labelWish({ instance_info, properties }: DriverNode, mode: BootMode): string | undefined {
  const ofNode = mode === 'bios' ? capabilitiesOf(properties['capabilities']) : {};
  return capabilitiesOf(instance_info['capabilities'])['disk_label'] ?? ofNode['disk_label'];
}

function modeOf(node: DriverNode, settings: DeploySettings): BootMode {
  const mode = bootModeOf(node, settings.default_boot_mode);
  if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
  return mode;
}

function hasConfigDrive({ instance_info }: DriverNode): boolean {
  return instance_info['configdrive'] !== undefined && instance_info['configdrive'] !== null;
}

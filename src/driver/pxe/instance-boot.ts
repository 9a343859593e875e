import { InvalidError } from '../../domain/errors.js';
import { type BootWord, bootWords, kernelParameter, UnsafeBootText } from '../../protocol/ipxe/boot-text.js';
import { livesInMemory } from '../capabilities.js';
import type { DriverNode } from '../contract/context.js';
import { internalOf } from '../contract/internal-info.js';

/** Files of an instance that starts from the network, in upstream's names (ironic/common/pxe_utils.py). */
export type InstanceBoot =
  | { files: { kernel: string; ramdisk: string }; parameters: readonly BootWord[] }
  | { files: { boot_iso: string } };

/**
 * How the instance boots: one on a disk finds its root by UUID, whatever the disk's name; one in memory has its root
 * there. The parameters of instance_info belong to the instance: who may set them owns the system that they control.
 * @param appended pxe.kernel_append_params, the value of %default%
 * @throws InvalidError for a node whose deployment has not come so far, or unsafe parameters
 */
export function instanceBoot(node: DriverNode, appended: string): InstanceBoot {
  const { root_uuid_or_disk_id: root, instance_boot = {} } = internalOf(node);
  const { kernel, ramdisk, boot_iso } = instance_boot;
  const inMemory = livesInMemory(node);
  if (inMemory && typeof boot_iso === 'string') return { files: { boot_iso } };
  if (typeof kernel !== 'string' || typeof ramdisk !== 'string' || !(inMemory || root !== undefined)) {
    throw new InvalidError(
      `Node ${node.uuid} cannot start its instance from the network: the UUID of its root partition, its kernel or ` +
        'its ramdisk is not known. Rebuild it.',
    );
  }
  const first = inMemory
    ? ['root=/dev/ram0', 'text'].flatMap((word) => bootWords(word, 'kernel parameter'))
    : refuse(() => [kernelParameter('root', `UUID=${String(root)}`), ...bootWords('ro', 'kernel parameter')]);
  return { files: { kernel, ramdisk }, parameters: [...first, ...instanceParameters(node, appended)] };
}

/** @throws InvalidError for text that cannot be on a kernel's command line */
export function instanceParameters(node: DriverNode, appended: string): BootWord[] {
  const own = textOf(node, 'kernel_append_params');
  const words = refuse(() =>
    bootWords(own ? own.replaceAll('%default%', appended) : appended, 'instance_info.kernel_append_params'),
  );
  // Ironic's field for the parameters of a ramdisk that is the instance.
  const more = textOf(node, 'ramdisk_kernel_arguments');
  return more
    ? [...words, ...refuse(() => bootWords(more, 'instance_info.ramdisk_kernel_arguments'))]
    : words;
}

function textOf(node: DriverNode, field: string): string | undefined {
  const value = node.instance_info[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new InvalidError(`instance_info.${field} must be a text`);
}

/** Reports text that cannot be in a boot script as a fault of the node's fields. @throws InvalidError */
export function refuse<T>(render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof UnsafeBootText) throw new InvalidError(error.message, { cause: error });
    throw error;
  }
}

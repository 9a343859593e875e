import { InvalidError } from '../../domain/errors.js';
import { type BootWord, bootWords, kernelParameter, UnsafeBootText } from '../../protocol/ipxe/boot-text.js';
import type { DriverNode } from '../contract/context.js';

/** Of an instance that starts from the network; names as upstream's (ironic/common/pxe_utils.py). */
export const INSTANCE_PARTS = ['kernel', 'ramdisk'] as const;
export type InstancePart = (typeof INSTANCE_PARTS)[number];

export interface InstanceBoot {
  /** Image references. */
  kernel: string;
  ramdisk: string;
  parameters: readonly BootWord[];
}

/**
 * What the installed system is started by: its root is found by UUID, however its disk is called. The parameters of
 * instance_info are the instance's own: whoever may set them owns what they command.
 * @param appended pxe.kernel_append_params, which %default% stands for
 * @throws InvalidError for a node whose deployment did not come so far, or unsafe parameters
 */
export function instanceBoot(node: DriverNode, appended: string): InstanceBoot {
  const { root_uuid_or_disk_id: root, instance_boot } = node.driver_internal_info;
  const parts = typeof instance_boot === 'object' && instance_boot !== null ? instance_boot : {};
  const { kernel, ramdisk } = parts as Partial<Record<InstancePart, unknown>>;
  if (typeof root !== 'string' || typeof kernel !== 'string' || typeof ramdisk !== 'string') {
    throw new InvalidError(
      `Node ${node.uuid} cannot start its instance from the network: the UUID of its root partition, its kernel or ` +
        'its ramdisk is not known. Rebuild it.',
    );
  }
  return {
    kernel,
    ramdisk,
    parameters: refuse(() => [
      kernelParameter('root', `UUID=${root}`),
      ...bootWords('ro', 'kernel parameter'),
      ...instanceParameters(node, appended),
    ]),
  };
}

/** @throws InvalidError for what cannot stand on a kernel's command line */
export function instanceParameters(node: DriverNode, appended: string): BootWord[] {
  const own = node.instance_info['kernel_append_params'];
  if (own !== undefined && own !== null && typeof own !== 'string') {
    throw new InvalidError('instance_info.kernel_append_params must be a text');
  }
  const text = own ? own.replaceAll('%default%', appended) : appended;
  return refuse(() => bootWords(text, 'instance_info.kernel_append_params'));
}

/** What cannot stand in a boot script is a fault of the node's fields. @throws InvalidError */
export function refuse<T>(render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof UnsafeBootText) throw new InvalidError(error.message, { cause: error });
    throw error;
  }
}

import type { DriverContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Publishes what a machine needs for its next boot. Does not touch the BMC: the deploy steps choose the device. */
export interface BootInterface extends Implementation {
  /** Publishes the deploy ramdisk for this node; parameters go on the kernel's command line. */
  prepareRamdisk(context: DriverContext, kernelParameters: Readonly<Record<string, string>>): Promise<void>;
  /** Withdraws what `prepareRamdisk` published. Idempotent. */
  cleanUpRamdisk(context: DriverContext): Promise<void>;
  /** Publishes what the installed system needs to boot; nothing for a whole-disk image. */
  prepareInstance(context: DriverContext): Promise<void>;
  /** Withdraws all that is published for the node. Idempotent. */
  cleanUpInstance(context: DriverContext): Promise<void>;
}

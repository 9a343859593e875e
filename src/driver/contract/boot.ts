import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Whose kernel and ramdisk: driver_info.deploy_… or driver_info.rescue_…. */
export type RamdiskKind = 'deploy' | 'rescue';

/** Publishes what a machine needs for its next boot. Does not touch the BMC: the deploy steps choose the device. */
export interface BootInterface extends Implementation {
  /** Whether what it publishes brings the ramdisk its parameters. */
  readonly handsParameters?: true;
  /**
   * Publishes the ramdisk for this node; parameters go on the kernel's command line.
   * @param which by default the deploy ramdisk
   */
  prepareRamdisk(
    context: DriverContext,
    kernelParameters: Readonly<Record<string, string>>,
    which?: RamdiskKind,
  ): Promise<void>;
  /** As `validate`, for the rescue ramdisk. @throws InvalidError */
  validateRescue?(context: ReadContext): Promise<void>;
  /** Withdraws what `prepareRamdisk` published. Idempotent. */
  cleanUpRamdisk(context: DriverContext): Promise<void>;
  /** Publishes what the installed system needs to boot; nothing for a whole-disk image. */
  prepareInstance(context: DriverContext): Promise<void>;
  /** Of instances that live in memory (deploy interface `ramdisk`); absent: this interface cannot start them. */
  readonly inMemory?: InMemoryBoot;
  /** Withdraws all that is published for the node. Idempotent. */
  cleanUpInstance(context: DriverContext): Promise<void>;
}

export interface InMemoryBoot {
  /** @throws InvalidError for an instance_info that names nothing to start, or something that cannot be started */
  validate(context: ReadContext): Promise<void>;
  /** What `prepareInstance` starts: references of images. @throws InvalidError, FerricError of the Image service */
  parts(context: ReadContext): Promise<{ boot_iso: string } | { kernel: string; ramdisk: string }>;
}

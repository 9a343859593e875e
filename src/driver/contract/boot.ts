import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Whose kernel and ramdisk: driver_info.deploy_… or driver_info.rescue_…. */
export type RamdiskKind = 'deploy' | 'rescue';

/** What a machine has to start from next. Whoever starts it tells its management interface (`bootFrom`). */
export interface BootTarget {
  /** A BMC that cannot set `pxe` or `disk` is left to its firmware's own order; for any other device that is a failure. */
  readonly device: BootDevice;
  /** false: for the next start alone. */
  readonly persistent: boolean;
  /** Set before the device, where the management interface can and it differs. Absent: left as it is. */
  readonly mode?: BootMode;
  /** Of `uefihttp`: what the firmware fetches. Absent: what DHCP names. */
  readonly uri?: string;
  /** What the ramdisk has as its agent's token already: a lookup gives it to nobody. */
  readonly agentToken?: string;
}

/**
 * Lays out what a machine boots, and withdraws it again (Ironic: drivers/base.py, BootInterface). It speaks to the BMC
 * only for what it lays out there, such as virtual media; it neither sets the boot device nor changes the power.
 *
 * The order of a start: power off, `prepareRamdisk` or `prepareInstance`, boot mode, boot device, power on. What
 * was laid out stays until it is cleaned up, so the machine may be started from it more than once.
 */
export interface BootInterface extends Implementation {
  /** Whether what it lays out brings the ramdisk its parameters. */
  readonly handsParameters?: true;
  /**
   * Lays out the ramdisk for this node. The machine is off, unless it must not lose power (`disable_power_off`).
   * Called again, it replaces what was there.
   * @param kernelParameters go on the kernel's command line
   * @param which by default the deploy ramdisk
   * @returns what to start from; null: whatever the firmware is set to
   */
  prepareRamdisk(
    context: DriverContext,
    kernelParameters: Readonly<Record<string, string>>,
    which?: RamdiskKind,
  ): Promise<BootTarget | null>;
  /** As `validate`, for the rescue ramdisk. @throws InvalidError */
  validateRescue?(context: ReadContext): Promise<void>;
  /**
   * Whether it can give this machine the ramdisk of an inspection; absent: always. A machine that gets none boots what
   * the site offers to strangers, where `inspector.require_managed_boot` allows that.
   */
  managesInspection?(context: ReadContext): boolean;
  /** Withdraws what `prepareRamdisk` laid out, from under a ramdisk that may be running. Idempotent. */
  cleanUpRamdisk(context: DriverContext): Promise<void>;
  /**
   * Lays out what the installed system needs to boot, and withdraws what was there for a ramdisk. The machine may be
   * running its ramdisk still. Called again for an instance that runs (adoption), it disturbs nothing.
   * @returns what to start from, for as long as the instance lives; null: whatever the firmware is set to
   */
  prepareInstance(context: DriverContext): Promise<BootTarget | null>;
  /** Of instances that live in memory (deploy interface `ramdisk`); absent: this interface cannot start them. */
  readonly inMemory?: InMemoryBoot;
  /** Withdraws all that is laid out for the node. Idempotent. */
  cleanUpInstance(context: DriverContext): Promise<void>;
}

export interface InMemoryBoot {
  /** Whether `prepareInstance` brings such an instance its config drive; without, it is left out with a warning. */
  readonly carriesConfigDrive?: true;
  /** @throws InvalidError for an instance_info that names nothing to start, or something that cannot be started */
  validate(context: ReadContext): Promise<void>;
  /** What `prepareInstance` starts: references of images. @throws InvalidError, FerricError of the Image service */
  parts(context: ReadContext): Promise<{ boot_iso: string } | { kernel: string; ramdisk: string }>;
}

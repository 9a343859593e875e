import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import type { DriverContext, ReadContext } from './context.js';
import type { Implementation } from './implementation.js';

/** Whose kernel and ramdisk: driver_info.deploy_… or driver_info.rescue_…. */
export type RamdiskKind = 'deploy' | 'rescue';

/** What a machine has to start from next. Callers pass it to the management interface (`bootFrom`). */
export interface BootTarget {
  /** A BMC that cannot set `pxe` or `disk` leaves the firmware's own order; for any other device that is a failure. */
  readonly device: BootDevice;
  /** false: for the next start only. */
  readonly persistent: boolean;
  /** Set before the device, if the management interface can set it and it differs. Absent: unchanged. */
  readonly mode?: BootMode;
  /** For `uefihttp`: the URL that the firmware fetches. Absent: the one that DHCP gives. */
  readonly uri?: string;
  /** The agent token that the ramdisk already has: a lookup gives it to nobody. */
  readonly agentToken?: string;
}

/**
 * Lays out what a machine boots, and withdraws it again (Ironic: drivers/base.py, BootInterface). It talks to the BMC
 * only to lay out files there, such as virtual media; it neither sets the boot device nor changes the power.
 *
 * The order of a start: power off, `prepareRamdisk` or `prepareInstance`, boot mode, boot device, power on. What
 * was laid out stays until it is cleaned up, so the machine may be started from it more than once.
 */
export interface BootInterface extends Implementation {
  /** Whether it delivers kernel parameters to the ramdisk. */
  readonly handsParameters?: true;
  /**
   * Lays out the ramdisk for this node. The machine is off, unless it must not lose power (`disable_power_off`).
   * A repeated call replaces what was there.
   * @param kernelParameters go on the kernel's command line
   * @param which by default the deploy ramdisk
   * @returns the boot target; null: whatever the firmware is set to
   */
  prepareRamdisk(
    context: DriverContext,
    kernelParameters: Readonly<Record<string, string>>,
    which?: RamdiskKind,
  ): Promise<BootTarget | null>;
  /** For a ramdisk that is fetched through a BMC. */
  readonly fetching?: {
    /** ms after the start of the machine until `fault` is called for the first time. */
    readonly timeout: number;
    /** @returns why the ramdisk cannot come: nothing of it was fetched; undefined: it was, or nobody can tell */
    fault(context: ReadContext): Promise<string | undefined>;
  };
  /** As `validate`, for the rescue ramdisk. @throws InvalidError */
  validateRescue?(context: ReadContext): Promise<void>;
  /**
   * Whether it can boot this machine into the inspection ramdisk; absent: always. Otherwise the machine boots what the
   * site offers to unknown machines, where `inspector.require_managed_boot` allows that.
   */
  managesInspection?(context: ReadContext): boolean;
  /** Withdraws what `prepareRamdisk` laid out, possibly while the ramdisk runs. Idempotent. */
  cleanUpRamdisk(context: DriverContext): Promise<void>;
  /**
   * Lays out what the installed system needs to boot, and withdraws what was there for a ramdisk. The machine may still
   * run its ramdisk. A call for a running instance (adoption) does not disturb it.
   * @returns the boot target for the lifetime of the instance; null: whatever the firmware is set to
   */
  prepareInstance(context: DriverContext): Promise<BootTarget | null>;
  /** For instances that run in memory (deploy interface `ramdisk`); absent: this interface cannot start them. */
  readonly inMemory?: InMemoryBoot;
  /** Withdraws everything laid out for the node. Idempotent. */
  cleanUpInstance(context: DriverContext): Promise<void>;
}

export interface InMemoryBoot {
  /** Whether `prepareInstance` delivers the config drive to such an instance; else it is omitted with a warning. */
  readonly carriesConfigDrive?: true;
  /** @throws InvalidError for an instance_info that names nothing bootable */
  validate(context: ReadContext): Promise<void>;
  /** The image references that `prepareInstance` starts. @throws InvalidError, FerricError of the Image service */
  parts(context: ReadContext): Promise<{ boot_iso: string } | { kernel: string; ramdisk: string }>;
}

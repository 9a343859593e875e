import type { FileSystem } from '../../src/protocol/image-format/content.js';
import type { Partition } from '../../src/protocol/image-format/partitions.js';

export interface FoundPartition extends Partition {
  fileSystem: FileSystem | undefined;
  label: string;
}

/** What is in a root file system that matters for booting it. */
export interface FoundSystem {
  /** PRETTY_NAME of its os-release. */
  os: string | undefined;
  /** Names in /boot. */
  kernels: string[];
  ramdisks: string[];
  grub: {
    installer: boolean;
    /** Modules for each firmware. */
    bios: boolean;
    uefi: boolean;
    configuration: boolean;
  };
}

/** What an operator needs to know of an image before it is deployed. */
export interface ImageReport {
  file: string;
  /** Bytes. */
  size: number;
  sums: { md5: string; sha256: string; sha512: string };
  kind: 'whole-disk' | 'partition' | 'kernel' | 'ramdisk' | 'iso' | 'unknown';
  format: string;
  /** Bytes of the disk inside. */
  virtualSize: number | undefined;
  safe: boolean;
  /** Why it is not. */
  faults: string[];
  partitionTable: 'gpt' | 'mbr' | undefined;
  partitions: FoundPartition[];
  /** How a machine can start it from its disk; for a partition: after GRUB was installed from inside it. */
  boots: { bios: boolean; uefi: boolean };
  /** In words, with what is missing. */
  bootNotes: string[];
  system: FoundSystem | undefined;
  /** What could not be seen, and why. */
  unseen: string[];
}

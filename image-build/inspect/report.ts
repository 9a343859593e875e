import type { FileSystem } from '../../src/protocol/image-format/content.js';
import type { Partition } from '../../src/protocol/image-format/partitions.js';

export interface FoundPartition extends Partition {
  fileSystem: FileSystem | undefined;
  label: string;
}

/** Facts about a root file system that matter for booting it. */
export interface FoundSystem {
  /** PRETTY_NAME of its os-release. */
  os: string | undefined;
  /** File names in /boot. */
  kernels: string[];
  ramdisks: string[];
  grub: {
    installer: boolean;
    /** Whether GRUB's modules for each firmware are there. */
    bios: boolean;
    uefi: boolean;
    configuration: boolean;
  };
}

/** What an operator should know about an image before its deployment. */
export interface ImageReport {
  file: string;
  /** Bytes. */
  size: number;
  sums: { md5: string; sha256: string; sha512: string };
  kind: 'whole-disk' | 'partition' | 'kernel' | 'ramdisk' | 'iso' | 'unknown';
  format: string;
  /** Virtual size of the disk, bytes. */
  virtualSize: number | undefined;
  safe: boolean;
  /** Reasons why it is unsafe. */
  faults: string[];
  partitionTable: 'gpt' | 'mbr' | undefined;
  partitions: FoundPartition[];
  /** Firmwares that can boot it from disk; for a partition image: after GRUB has been installed from inside it. */
  boots: { bios: boolean; uefi: boolean };
  /** Explanations, with what is missing. */
  bootNotes: string[];
  system: FoundSystem | undefined;
  /** What could not be read, and why. */
  unseen: string[];
}

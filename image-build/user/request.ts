/** An image that was asked for. */
export interface UserImageRequest {
  /** A disk with its partition table, or the content of a root partition with kernel and ramdisk beside it. */
  kind: 'whole-disk' | 'partition';
  distro: string;
  /** Code name, such as bookworm; undefined: the distribution's usual one. */
  release?: string;
  /** It must boot by UEFI. */
  efi: boolean;
  /** By disk-image-builder's names. */
  elements: readonly string[];
  packages: readonly string[];
  /** Path without extension: `.qcow2`, `.vmlinuz`, `.initrd`, `.sha256` follow. */
  output: string;
  /** Of the distribution's packages; undefined: this machine's. */
  mirror?: string;
  kernel: 'generic' | 'cloud';
  /** MiB of the root file system; undefined: what the content takes, and some room. */
  size?: number;
  access: Access;
  /** A whole-disk image that is changed instead of one that is made from packages. */
  base?: string;
  /** Scripts of this machine that run inside it, after the packages. */
  scripts: readonly string[];
}

/** Who can log in; nobody, if nothing is said. */
export interface Access {
  /** As crypt(5) writes it. */
  rootPasswordHash?: string;
  /** Lines of authorized_keys: for `user`, or for root where there is none. */
  sshKeys: readonly string[];
  /** Made, with sudo's rights and without a password. */
  user?: string;
}

/** A way to build. Both questions are asked before any work begins. */
export interface Backend {
  readonly name: 'direct' | 'dib' | 'loop' | 'guestfs';
  /** One sentence, for help and for the reason of a choice. */
  readonly about: string;
  /** Why it can't do what was asked; undefined: it can. */
  objection(request: UserImageRequest): string | undefined;
  /** What it lacks on this machine. */
  missing(request: UserImageRequest): string[];
}

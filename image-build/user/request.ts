/** Request for an image. */
export interface UserImageRequest {
  /** A disk with a partition table, or the content of a root partition with kernel and ramdisk as files. */
  kind: 'whole-disk' | 'partition';
  distro: string;
  /** Code name, such as bookworm; undefined: the distribution's default. */
  release?: string;
  /** Whether it must boot by UEFI. */
  efi: boolean;
  /** Elements, by disk-image-builder's names. */
  elements: readonly string[];
  packages: readonly string[];
  /** Path of the results, without extension: `.qcow2`, `.vmlinuz`, `.initrd`, `.sha256` follow. */
  output: string;
  /** Mirror of the distribution's packages; undefined: this machine's. */
  mirror?: string;
  kernel: 'generic' | 'cloud';
  /** MiB of the root file system; undefined: what the content needs, and some room. */
  size?: number;
  access: Access;
  /** An existing whole-disk image to change, instead of packages to install. */
  base?: string;
  /** Paths of scripts that run inside it, after the packages. */
  scripts: readonly string[];
}

/** Logins of the system; by default none. */
export interface Access {
  /** Hash in crypt(5)'s format. */
  rootPasswordHash?: string;
  /** Lines of authorized_keys, for `user`, or for root without a `user`. */
  sshKeys: readonly string[];
  /** Name of a user to create, with passwordless sudo. */
  user?: string;
}

/** A way to build. Both checks come before any work. */
export interface Backend {
  readonly name: 'direct' | 'dib' | 'loop' | 'guestfs';
  /** One sentence for the help, and as the reason of a choice. */
  readonly about: string;
  /** Why it doesn't support the request; undefined: it does. */
  objection(request: UserImageRequest): string | undefined;
  /** Tools that this machine lacks for it. */
  missing(request: UserImageRequest): string[];
}

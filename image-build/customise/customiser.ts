/** Changes to an image. */
export interface Customisation {
  /** Paths on this machine; each script runs inside the image, in this order, before the uploads. */
  scripts: readonly string[];
  uploads: readonly Upload[];
}

export interface Upload {
  /** Path on this machine. */
  file: string;
  /** Directory inside the image; created if absent. */
  directory: string;
}

/** Size of the appliance, for backends that have one. */
export interface Machine {
  /** MiB. */
  memory: number;
  processors: number;
  verbose: boolean;
  trace: boolean;
}

/**
 * A backend that changes the content of a disk image. It reads a qcow2 and writes a new one; the input is never
 * changed. Used inside a BuildSession: `scratch` is a directory of the session.
 */
export interface Customiser {
  readonly name: 'guestfs' | 'loop';
  /** What this machine lacks for it, as text. */
  missing(): string[];
  /** @throws ProgramError when a script fails; its output is in the log */
  customise(image: string, target: string, work: Customisation): Promise<void>;
  /**
   * Enlarges the disk, the partition of its root file system (the only or the largest one), and that file system.
   * @param bytes size of the disk
   * @throws UnsupportedError when the disk is already larger
   */
  enlarge(image: string, target: string, bytes: number): Promise<void>;
  /** Discards unused blocks, and compresses. */
  compress(image: string, target: string): Promise<void>;
  /** Lists each file of the root file system: type, mode, bytes, path, in the format of `virt-ls -lR --csv`. */
  list(image: string, target: string): Promise<void>;
  /** Output of the scripts, if the image itself has kept it. */
  builderLog(image: string, target: string): Promise<void>;
}

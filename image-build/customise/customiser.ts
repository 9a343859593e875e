/** What is done inside an image. */
export interface Customisation {
  /** Paths on this machine; each is run inside, in this order, before the uploads. */
  scripts: readonly string[];
  uploads: readonly Upload[];
}

export interface Upload {
  /** Path on this machine. */
  file: string;
  /** Directory inside; made if it is not there. */
  directory: string;
}

/** The appliance, where there is one. */
export interface Machine {
  /** MiB. */
  memory: number;
  processors: number;
  verbose: boolean;
  trace: boolean;
}

/**
 * A way to change what is inside a disk image. Images come in as qcow2 and go out as a new qcow2; the one that came in
 * is never written to. To be used inside a BuildSession: `scratch` is a directory of it.
 */
export interface Customiser {
  readonly name: 'guestfs' | 'loop';
  /** What this machine lacks for it, in words. */
  missing(): string[];
  /** @throws ProgramError when a script fails; the log has what it said */
  customise(image: string, target: string, work: Customisation): Promise<void>;
  /**
   * Makes the disk larger, and the partition of its root file system (the only or the largest one), and the file
   * system in it.
   * @param bytes of the disk
   * @throws UnsupportedError when the disk is larger already
   */
  enlarge(image: string, target: string, bytes: number): Promise<void>;
  /** Gives unused blocks back, and compresses. */
  compress(image: string, target: string): Promise<void>;
  /** Each file of the root file system: type, mode, bytes, path, as `virt-ls -lR --csv` writes them. */
  list(image: string, target: string): Promise<void>;
  /** What the scripts printed, as far as the image itself keeps it. */
  builderLog(image: string, target: string): Promise<void>;
}

import { type FileHandle, open, rm, stat } from 'node:fs/promises';

const BLOCK = 64 * 1024;
const SECTOR = 512;
const ZEROS = Buffer.alloc(BLOCK);

/** A disk as a sparse file, created by the first write; blocks of zeros take no space. */
export class SparseDisk {
  constructor(
    readonly path: string,
    /** Size, bytes. */
    readonly size: number,
  ) {}

  /** Erases the disk. */
  async erase(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(`${this.path}.config-2`, { force: true });
  }

  /** A writer for the erased disk, from this byte on. @throws on data that does not fit */
  async writer(start = 0): Promise<DiskWriter> {
    await this.erase();
    return new DiskWriter(await open(this.path, 'w'), this.size, start);
  }

  /** Writes what an installer would leave: code in the first sector, and the boot signature. */
  async installBootLoader(): Promise<void> {
    const sector = Buffer.alloc(SECTOR);
    sector.write('a boot loader', 'latin1');
    sector.writeUInt16BE(0x55aa, SECTOR - 2);
    const file = await open(this.path, 'r+');
    try {
      await file.write(sector, 0, SECTOR, 0);
    } finally {
      await file.close();
    }
  }

  async read(position: number, length: number): Promise<Buffer> {
    const file = await open(this.path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      await file.read(bytes, 0, length, position);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Whether a BIOS would boot it: the first sector has the boot signature and some code. */
  async bootable(): Promise<boolean> {
    const found = await stat(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found === null || found.size < 512) return false;
    const file = await open(this.path, 'r');
    try {
      const sector = Buffer.alloc(512);
      await file.read(sector, 0, 512, 0);
      return sector.readUInt16BE(510) === 0x55aa && !sector.subarray(0, 440).equals(ZEROS.subarray(0, 440));
    } finally {
      await file.close();
    }
  }
}

class DiskWriter {
  #offset: number;

  constructor(
    private readonly file: FileHandle,
    private readonly size: number,
    private readonly start: number,
  ) {
    this.#offset = start;
  }

  get written(): number {
    return this.#offset - this.start;
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#offset + chunk.length > this.size)
      throw new Error(`the disk is full: it holds ${this.size} bytes`);
    for (let at = 0; at < chunk.length; at += BLOCK) {
      const block = chunk.subarray(at, at + BLOCK);
      if (!block.equals(ZEROS.subarray(0, block.length)))
        await this.file.write(block, 0, block.length, this.#offset + at);
    }
    this.#offset += chunk.length;
  }

  async close(): Promise<void> {
    await this.file.truncate(this.#offset); // trailing zeros belong to the image as well
    await this.file.close();
  }
}

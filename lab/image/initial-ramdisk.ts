/** An entry of a ramdisk: a file, or a folder when `content` is absent. */
export interface RamdiskEntry {
  path: string;
  /** Type and permission bits, such as 0o100755 or 0o040755. */
  mode: number;
  content?: Buffer;
}

/** A "newc" cpio archive (kernel: Documentation/driver-api/early-userspace/buffer-format.rst), owner root, time 0. */
export function makeCpio(entries: readonly RamdiskEntry[]): Buffer {
  const parts: Buffer[] = [];
  const add = (path: string, mode: number, content: Buffer, inode: number) => {
    const name = Buffer.from(`${path}\0`, 'utf8');
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    parts.push(padded(Buffer.concat([Buffer.from(header, 'ascii'), name])), padded(content));
  };
  entries.forEach(({ path, mode, content }, index) => {
    add(path, mode, content ?? Buffer.alloc(0), index + 1);
  });
  add('TRAILER!!!', 0, Buffer.alloc(0), 0);
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}

import { type FileHandle, open, stat } from 'node:fs/promises';

const BLOCK = Buffer.alloc(2 ** 20);

/** Writes zeros over a range of a device. @param offset bytes */
export async function zeroRange(path: string, offset: number, length: number): Promise<void> {
  await withFile(path, 'r+', async (file) => {
    for (let at = offset; at < offset + length; at += BLOCK.length) {
      await writeFully(file, BLOCK.subarray(0, Math.min(BLOCK.length, offset + length - at)), at);
    }
    await file.datasync();
  });
}

/** Writes all of the bytes, also when the kernel writes fewer at a time. */
export async function writeFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

export async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  return withFile(path, 'r', async (file) => {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  });
}

export async function withFile<T>(
  path: string,
  flags: string,
  act: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags);
  try {
    return await act(file);
  } finally {
    await file.close();
  }
}

export async function isBlockDevice(path: string): Promise<boolean> {
  return (await stat(path)).isBlockDevice();
}

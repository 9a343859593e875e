import { statfs } from 'node:fs/promises';

/** Bytes that unprivileged programs may still write to a directory's disk. */
export async function diskRoom(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

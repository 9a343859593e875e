import { statfs } from 'node:fs/promises';

/** Bytes of a directory's disk that unprivileged programs may still write. */
export async function diskRoom(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

import { randomBytes } from 'node:crypto';

/**
 * An image that a deployment takes for a whole disk: random, with an MBR of one Linux partition behind the first MiB.
 * @param length bytes, more than a MiB
 */
export function wholeDisk(length: number): Buffer {
  const first = 2048;
  const image = randomBytes(length);
  image.fill(0, 446, 510).writeUInt16LE(0xaa55, 510);
  image.writeUInt8(0x80, 446); // active
  image.writeUInt8(0x83, 450); // Linux
  image.writeUInt32LE(first, 454);
  image.writeUInt32LE(length / 512 - first, 458);
  return image;
}

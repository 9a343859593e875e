// Decodes the bytes of a checksum file to text.
import { InvalidError } from '../errors.js';

/** Most bytes: the checksum file of a large mirror has some hundred kilobytes. */
export const MAX_CHECKSUM_FILE = 1 << 20;

/**
 * Accepts gzip (a server that encodes unasked, or a packed file), UTF-16 (PowerShell's `>`), UTF-8 with or without a
 * byte order mark.
 * @throws InvalidError for a broken stream, and for one that is too long when unpacked
 */
export async function checksumText(bytes: Uint8Array): Promise<string> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? await unpacked(bytes) : bytes;
  return new TextDecoder(encodingOf(plain)).decode(plain);
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return 'utf-16be';
  return 'utf-8';
}

async function unpacked(bytes: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    for await (const part of stream as unknown as AsyncIterable<Uint8Array>) {
      parts.push(part);
      length += part.length;
      if (length > MAX_CHECKSUM_FILE) break;
    }
  } catch (error) {
    throw new InvalidError('image_checksum: the checksum file is a broken gzip stream.', { cause: error });
  }
  if (length > MAX_CHECKSUM_FILE)
    throw new InvalidError(
      `image_checksum: the checksum file is larger than ${MAX_CHECKSUM_FILE} bytes unpacked.`,
    );
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

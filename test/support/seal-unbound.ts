import { createCipheriv, randomBytes } from 'node:crypto';

/** A value sealed in the format before values were bound to their rows: version 1, without additional data. */
export function sealUnbound(text: string, { id, key }: { id: number; key: Buffer }): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([1, id]), nonce, cipher.getAuthTag(), sealed]);
}

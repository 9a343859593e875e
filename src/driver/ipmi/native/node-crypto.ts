import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { IpmiCrypto } from '../../../protocol/ipmi/security.js';

const CIPHER = 'aes-128-cbc';

/** The cryptography of RMCP+, by OpenSSL. */
export const nodeCrypto: IpmiCrypto = {
  hmac: (hash, key, message) => createHmac(hash, key).update(message).digest(),
  encrypt: (key, iv, plain) => {
    const cipher = createCipheriv(CIPHER, key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(plain), cipher.final()]);
  },
  decrypt: (key, iv, sealed) => {
    const decipher = createDecipheriv(CIPHER, key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  },
  random: (length) => randomBytes(length),
};

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { IpmiCrypto } from '../../src/protocol/ipmi/security.js';

export const nodeCrypto: IpmiCrypto = {
  hmac: (hash, key, message) => createHmac(hash, key).update(message).digest(),
  encrypt: (key, iv, plain) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(plain), cipher.final()]);
  },
  decrypt: (key, iv, sealed) => {
    const decipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  },
  random: (length) => randomBytes(length),
};

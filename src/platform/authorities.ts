import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidError, messageOf } from '../domain/errors.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM file, read at the start: otherwise every connection would fail later.
 * @param key configuration key, for messages
 * @throws InvalidError naming the key
 */
export function authoritiesIn(path: string, key: string): string {
  const certificates = read(path, key).match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new InvalidError(`${key}: ${path} holds no certificate in PEM.`);
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new InvalidError(
        `${key}: ${path} holds a certificate that cannot be read (${messageOf(error)}).`,
        {
          cause: error,
        },
      );
    }
  }
  return `${certificates.join('\n')}\n`;
}

function read(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidError(`${key}: cannot be read (${messageOf(error)}).`, { cause: error });
  }
}

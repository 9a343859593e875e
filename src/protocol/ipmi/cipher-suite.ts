import { MalformedPacket } from '../malformed-packet.js';
import { concat, need } from './bytes.js';

export type IpmiHash = 'sha1' | 'sha256';

export interface CipherSuite {
  id: number;
  /** Algorithm numbers of tables 13-17, 13-18 and 13-19. */
  authentication: number;
  integrity: number;
  confidentiality: number;
  hash: IpmiHash;
  /** Octets of an integrity check value: HMAC-SHA1-96 and HMAC-SHA256-128. */
  integrityLength: number;
}

/** The suites that authenticate, sign and encrypt (IPMI 2.0 table 22-20). Others are refused on purpose. */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  { id: 3, authentication: 1, integrity: 1, confidentiality: 1, hash: 'sha1', integrityLength: 12 },
  { id: 17, authentication: 3, integrity: 4, confidentiality: 1, hash: 'sha256', integrityLength: 16 },
];

/** Start of a standard record and the tags of its algorithms, table 22-19. */
const RECORD_STANDARD = 0xc0;
const TAG = { authentication: 0x00, integrity: 0x40, confidentiality: 0x80 } as const;

/** The records that Get Channel Cipher Suites returns, in chunks of 16 bytes. */
export function encodeSuiteRecords(suites: readonly CipherSuite[]): Uint8Array {
  return concat(
    ...suites.map((suite) => [
      RECORD_STANDARD,
      suite.id,
      TAG.authentication | suite.authentication,
      TAG.integrity | suite.integrity,
      TAG.confidentiality | suite.confidentiality,
    ]),
  );
}

/**
 * The suite numbers in a stream of records; OEM records are skipped.
 * @throws MalformedPacket
 */
export function decodeSuiteIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = bytes[offset]!;
    if (start !== RECORD_STANDARD && start !== 0xc1)
      throw new MalformedPacket(offset, 'no suite record here');
    const head = start === 0xc1 ? 5 : 2; // an OEM record has its enterprise number after the id
    need(bytes, offset, head, 'cipher suite record');
    if (start === RECORD_STANDARD) ids.push(bytes[offset + 1]!);
    offset += head;
    while (offset < bytes.length && bytes[offset]! < 0xc0) offset++;
  }
  return ids;
}

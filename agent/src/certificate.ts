import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

export interface OwnCertificate {
  /** PEM. */
  certificate: string;
  privateKey: string;
}

/** The clock of a machine without a system may be wrong: validity starts before the creation. */
const CLOCK_SKEW_MS = 3_600_000;
const VALID_MS = 90 * 86_400_000;

const OID = {
  commonName: [2, 5, 4, 3],
  ecdsaWithSha256: [1, 2, 840, 10045, 4, 3, 2],
  subjectAltName: [2, 5, 29, 17],
  basicConstraints: [2, 5, 29, 19],
} as const;

/**
 * A self-signed EC P-256 certificate for one IP address. node:crypto makes keys and signatures but no certificates, so
 * the DER structures of RFC 5280 §4.1 are encoded here.
 * @param address IPv4 or IPv6, for subjectAltName: conductors check it against the callback URL
 * @param now milliseconds
 */
export function makeCertificate(address: string, commonName: string, now = Date.now()): OwnCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = new X509Certificate(encodeCertificate(address, commonName, now, publicKey, privateKey));
  return {
    certificate: certificate.toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function encodeCertificate(
  address: string,
  commonName: string,
  now: number,
  publicKey: KeyObject,
  privateKey: KeyObject,
): Buffer {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  // At most 64 characters: ub-common-name.
  const name = sequence(set(sequence(oid(OID.commonName), der(0x0c, Buffer.from(commonName.slice(0, 64))))));
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, and always 16 bytes
  const altNames = sequence(der(0x87, addressBytes(address))); // iPAddress [7]
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    algorithm,
    name,
    sequence(time(now - CLOCK_SKEW_MS), time(now + VALID_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        // Self-signed: clients that pin it must accept it as its own CA.
        extension(OID.basicConstraints, sequence(der(0x01, Buffer.from([0xff])))),
        extension(OID.subjectAltName, altNames),
      ),
    ),
  );
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' });
  return sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(oid(id), der(0x01, Buffer.from([0xff])), der(0x04, value)); // critical, as in upstream
}

function der(tag: number, content: Buffer): Buffer {
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
  return der(0x31, Buffer.concat(parts));
}

function oid(arcs: readonly number[]): Buffer {
  const bytes = [arcs[0]! * 40 + arcs[1]!];
  for (const arc of arcs.slice(2)) {
    const digits = [arc & 0x7f];
    for (let rest = arc >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** RFC 5280 §4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050. */
function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ''); // 20260131120000Z
  const year = Number(text.slice(0, 4));
  return year < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address)) throw new Error(`${address} is no IP address`);
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1); // canonical, no dotted quad
  const [head = '', tail] = plain.split('::') as [string, string?];
  const words = (part: string) =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const after = tail === undefined ? [] : words(tail);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

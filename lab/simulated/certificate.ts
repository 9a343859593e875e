import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** One key for the whole fleet, since keys take time; certificates differ in their address only. */
export interface FleetKey {
  publicKey: KeyObject;
  privateKey: KeyObject;
  privatePem: string;
}

export function makeFleetKey(): FleetKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    publicKey,
    privateKey,
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const SUBJECT_ALT_NAME = Buffer.from('0603551d11', 'hex');
const BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');

/** A self-signed certificate (RFC 5280 §4.1) for one IPv4 address, as PEM. */
export function certificateFor(address: string, key: FleetKey): string {
  const algorithm = tlv(0x30, ECDSA_WITH_SHA256);
  const name = tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(0x0c, Buffer.from('simulated agent')))));
  const now = Date.now();
  const serial = randomBytes(8);
  serial[0]! &= 0x7f;
  serial[0]! |= 0x40;
  const altName = tlv(0x30, tlv(0x87, Buffer.from(address.split('.').map(Number))));
  const authority = tlv(0x30, tlv(0x01, Buffer.from([0xff]))); // CA: a client that pins it trusts it as an authority
  const body = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    algorithm,
    name,
    tlv(0x30, utcTime(now - 3_600_000), utcTime(now + 30 * 86_400_000)),
    name,
    key.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      tlv(
        0x30,
        tlv(0x30, BASIC_CONSTRAINTS, tlv(0x01, Buffer.from([0xff])), tlv(0x04, authority)),
        tlv(0x30, SUBJECT_ALT_NAME, tlv(0x04, altName)),
      ),
    ),
  );
  const signature = sign('sha256', body, { key: key.privateKey, dsaEncoding: 'der' });
  const der = tlv(0x30, body, algorithm, tlv(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function utcTime(ms: number): Buffer {
  return tlv(
    0x17,
    Buffer.from(
      new Date(ms)
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2),
    ),
  );
}

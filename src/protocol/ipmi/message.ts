import { MalformedPacket } from '../malformed-packet.js';
import { concat, need } from './bytes.js';

/** One end of an IPMI message: 0x20 is the BMC, 0x81 the first remote console. */
export interface IpmiAddress {
  address: number;
  lun: number;
}

interface Envelope {
  responder: IpmiAddress;
  requester: IpmiAddress;
  /** 0-63, chosen by the requester; the answer repeats it. */
  sequence: number;
  /** Network function of the request, always even; the answer is sent with `netFn | 1`. */
  netFn: number;
  command: number;
  data: Uint8Array;
}
export interface IpmiRequest extends Envelope {
  kind: 'request';
}
export interface IpmiResponse extends Envelope {
  kind: 'response';
  completionCode: number;
}

/** Two's complement checksum, IPMI 2.0 §13.8: the bytes and their checksum add up to 0 mod 256. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const octet of bytes) sum += octet;
  return -sum & 0xff;
}

/**
 * Decodes the IPMI LAN message of §13.8, in either direction.
 * @param trusted the packet is authenticated: its checksums prove nothing more, and some BMCs compute them wrongly
 * @throws MalformedPacket when it is too short or a checksum is wrong
 */
export function decodeMessage(bytes: Uint8Array, trusted = false): IpmiRequest | IpmiResponse {
  need(bytes, 0, 7, 'IPMI message');
  if (!trusted) checkSums(bytes);
  const netFn = bytes[1]! >> 2;
  // The first address is the receiver's, the second the sender's, in both directions.
  const to = { address: bytes[0]!, lun: bytes[1]! & 3 };
  const from = { address: bytes[3]!, lun: bytes[4]! & 3 };
  const common = { sequence: bytes[4]! >> 2, netFn: netFn & ~1, command: bytes[5]! };
  if ((netFn & 1) === 0) {
    return { kind: 'request', responder: to, requester: from, ...common, data: bytes.subarray(6, -1) };
  }
  need(bytes, 0, 8, 'IPMI response');
  const data = bytes.subarray(7, -1);
  return {
    kind: 'response',
    responder: from,
    requester: to,
    ...common,
    completionCode: bytes[6]!,
    data,
  };
}

function checkSums(bytes: Uint8Array): void {
  if (checksum(bytes.subarray(0, 3)) !== 0) throw new MalformedPacket(2, 'header checksum');
  if (checksum(bytes.subarray(3)) !== 0) throw new MalformedPacket(bytes.length - 1, 'body checksum');
}

export function encodeMessage(message: IpmiRequest | IpmiResponse): Uint8Array {
  const { responder, requester } = message;
  const answer = message.kind === 'response';
  const [to, from] = answer ? [requester, responder] : [responder, requester];
  const head = Uint8Array.of(to.address, ((message.netFn | (answer ? 1 : 0)) << 2) | (to.lun & 3));
  const body = concat(
    [from.address, (message.sequence << 2) | (from.lun & 3), message.command],
    answer ? [message.completionCode] : [],
    message.data,
  );
  return concat(head, [checksum(head)], body, [checksum(body)]);
}

export function responseTo(request: IpmiRequest, completionCode: number, data: Uint8Array): IpmiResponse {
  const { responder, requester, sequence, netFn, command } = request;
  return { kind: 'response', responder, requester, sequence, netFn, command, completionCode, data };
}

import { MalformedPacket } from '../malformed-packet.js';
import { concat, need } from './bytes.js';

// ASF 2.0 (DSP0136) §3.2.2, IPMI 2.0 §13.1.3.
export const RMCP_CLASS = { asf: 6, ipmi: 7, oem: 8 } as const;
const VERSION = 0x06;
/** Sequence number that requests no RMCP acknowledge; IPMI always uses it. */
export const RMCP_NO_ACK = 0xff;

export interface RmcpPacket {
  sequence: number;
  messageClass: number;
  acknowledge: boolean;
  body: Uint8Array;
}

/** @throws MalformedPacket */
export function decodeRmcp(bytes: Uint8Array): RmcpPacket {
  need(bytes, 0, 4, 'RMCP header');
  if (bytes[0] !== VERSION) throw new MalformedPacket(0, 'RMCP version is not 6');
  return {
    sequence: bytes[2]!,
    messageClass: bytes[3]! & 0x1f,
    acknowledge: (bytes[3]! & 0x80) !== 0,
    body: bytes.subarray(4),
  };
}

export function encodeRmcp(packet: RmcpPacket): Uint8Array {
  return concat(
    [VERSION, 0, packet.sequence, packet.messageClass | (packet.acknowledge ? 0x80 : 0)],
    packet.body,
  );
}

export function encodeRmcpIpmi(body: Uint8Array): Uint8Array {
  return encodeRmcp({ sequence: RMCP_NO_ACK, messageClass: RMCP_CLASS.ipmi, acknowledge: false, body });
}

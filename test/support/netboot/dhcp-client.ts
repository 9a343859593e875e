import { fromLatin1, type OptionMap } from '../../../src/protocol/dhcp4/options.js';
import { type Dhcp4Packet, MESSAGE_TYPE } from '../../../src/protocol/dhcp4/packet.js';

/** A client's packet with raw options, independent of the option encoders under test. */
export function clientPacket(
  type: keyof typeof MESSAGE_TYPE,
  options: Record<number, number[] | string> = {},
  fields: Partial<Dhcp4Packet> = {},
): Dhcp4Packet {
  const map: OptionMap = new Map([[53, Uint8Array.of(MESSAGE_TYPE[type])]]);
  for (const [code, value] of Object.entries(options)) {
    map.set(Number(code), typeof value === 'string' ? fromLatin1(value) : Uint8Array.from(value));
  }
  return {
    op: 'request',
    htype: 1,
    hops: 0,
    xid: 0x1234,
    secs: 0,
    flags: 0,
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1),
    sname: '',
    file: '',
    options: map,
    ...fields,
  };
}

export const CLIENT_MAC = '52:54:00:00:00:01';

import { need, u32 } from './bytes.js';
import { APP, COMPLETION, NET_FN, type PRIVILEGE } from './command.js';
import { encodeMessage, type IpmiResponse } from './message.js';
import { encodeRmcpIpmi } from './rmcp.js';
import { AUTH_TYPE, encodeSessionV15 } from './session-header.js';

/** A command for the BMC, without addresses and sequence. */
export interface IpmiCall {
  netFn: number;
  command: number;
  data: Uint8Array;
}

type PrivilegeLevel = (typeof PRIVILEGE)[keyof typeof PRIVILEGE];

/** This channel, and in bit 7 the question for IPMI 2.0's fields, which some BMCs refuse (0xcc). */
const THIS_CHANNEL = 0x0e;
const ASK_V20 = 0x80;

/** The message of a console to a BMC. @param sequence 0-63 */
export function consoleMessage(call: IpmiCall, sequence: number): Uint8Array {
  return encodeMessage({
    kind: 'request',
    responder: { address: 0x20, lun: 0 },
    requester: { address: 0x81, lun: 0 },
    sequence,
    ...call,
  });
}

/** A whole packet outside a session, in the IPMI 1.5 wrapper, which every BMC reads. */
export function packetOutsideSession(call: IpmiCall, sequence: number): Uint8Array {
  const payload = consoleMessage(call, sequence);
  const header = { authType: AUTH_TYPE.none, sequence: 0, sessionId: 0, payload };
  return encodeRmcpIpmi(encodeSessionV15(header));
}

/** Get Channel Authentication Capabilities (§22.13). */
export function channelAuthRequest(privilege: PrivilegeLevel): IpmiCall {
  const data = Uint8Array.of(THIS_CHANNEL | ASK_V20, privilege);
  return { netFn: NET_FN.app, command: APP.getChannelAuthenticationCapabilities, data };
}

/**
 * Whether the BMC speaks IPMI 2.0. Its other fields (names, Kg) are wrong on many boards and are not read.
 * @returns undefined if the BMC does not know the question for IPMI 2.0: its session setup will tell
 * @throws MalformedPacket
 */
export function speaksV20({ completionCode, data }: IpmiResponse): boolean | undefined {
  if (completionCode === COMPLETION.invalidField) return undefined;
  if (completionCode !== COMPLETION.ok) return false;
  need(data, 0, 4, 'channel authentication capabilities');
  const [, types = 0, , versions = 0] = data;
  return (types & 0x80) !== 0 && (versions & 0x02) !== 0;
}

/** §22.18. A session begins at the level of a user. @param privilege 0 asks for the present level */
export function setPrivilegeRequest(privilege: PrivilegeLevel | 0): IpmiCall {
  return { netFn: NET_FN.app, command: APP.setSessionPrivilege, data: Uint8Array.of(privilege) };
}

/** §22.19. @param managedSessionId the BMC's own number of the session */
export function closeRequest(managedSessionId: number): IpmiCall {
  return { netFn: NET_FN.app, command: APP.closeSession, data: u32(managedSessionId) };
}

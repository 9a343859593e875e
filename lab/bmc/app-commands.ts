import { concat, readU32 } from '../../src/protocol/ipmi/bytes.js';
import { CIPHER_SUITES, encodeSuiteRecords } from '../../src/protocol/ipmi/cipher-suite.js';
import { APP, COMPLETION, NET_FN, PRIVILEGE } from '../../src/protocol/ipmi/command.js';
import { type CommandContext, type CommandRow, ok, okBytes, refused } from './command-table.js';

const CHANNEL = 1;
const SUITE_RECORDS = encodeSuiteRecords(CIPHER_SUITES);

/** IPMI 2.0 chapters 20 and 22. */
export const appCommands: readonly CommandRow[] = [
  {
    netFn: NET_FN.app,
    command: APP.getDeviceId,
    privilege: PRIVILEGE.user,
    length: 0,
    // Device 0x20, firmware 1.00, IPMI 2.0, additional support: chassis device; manufacturer and product unspecified.
    run: () => ok(0x20, 0x01, 0x01, 0x00, 0x02, 0x80, 0, 0, 0, 0, 0),
  },
  ...([APP.coldReset, APP.warmReset] as const).map((command) => ({
    netFn: NET_FN.app,
    command,
    privilege: PRIVILEGE.administrator,
    length: 0,
    run: (_: Uint8Array, { restart }: CommandContext) => {
      if (restart === undefined) return refused(COMPLETION.invalidCommand);
      setImmediate(restart); // after the response
      return ok();
    },
  })),
  {
    netFn: NET_FN.app,
    command: APP.getSelfTest,
    privilege: PRIVILEGE.user,
    length: 0,
    run: () => ok(0x55, 0x00),
  },
  {
    netFn: NET_FN.app,
    command: APP.getDeviceGuid,
    privilege: PRIVILEGE.user,
    length: 0,
    run: (_, context) => okBytes(context.guid),
  },
  {
    netFn: NET_FN.app,
    command: APP.getSystemGuid,
    privilege: 0,
    length: 0,
    run: (_, context) => okBytes(context.guid),
  },
  {
    netFn: NET_FN.app,
    command: APP.getChannelAuthenticationCapabilities,
    privilege: 0,
    length: 2,
    // No IPMI 1.5 authentication at all; named users only; bit 1 of the extended field: IPMI 2.0 sessions.
    run: (data, { faults }) =>
      faults.has('no-extension') && (data[0]! & 0x80) !== 0
        ? refused(COMPLETION.invalidField)
        : ok(CHANNEL, (data[0]! & 0x80) !== 0 ? 0x80 : 0x00, 0x04, 0x02, 0, 0, 0, 0),
  },
  {
    netFn: NET_FN.app,
    command: APP.getChannelCipherSuites,
    privilege: 0,
    length: 3,
    run: (data) => {
      const start = (data[2]! & 0x3f) * 16;
      return okBytes(concat([CHANNEL], SUITE_RECORDS.subarray(start, start + 16)));
    },
  },
  {
    netFn: NET_FN.app,
    command: APP.setSessionPrivilege,
    privilege: PRIVILEGE.callback,
    length: 1,
    run: (data, { session }) => {
      const wanted = data[0]! & 0x0f;
      if (session?.user === undefined) return refused(COMPLETION.insufficientPrivilege);
      if (wanted === 0) return ok(session.privilege);
      const limit = Math.min(session.maximumPrivilege, PRIVILEGE[session.user.privilege]);
      if (wanted > limit) return refused(COMPLETION.privilegeExceedsLimit);
      session.privilege = wanted;
      return ok(wanted);
    },
  },
  {
    netFn: NET_FN.app,
    command: APP.closeSession,
    privilege: PRIVILEGE.callback,
    length: 4,
    run: (data, { sessions, session }) => {
      const id = readU32(data, 0);
      // Only an administrator may end somebody else's session (§22.19).
      if (id !== session?.id && session?.privilege !== PRIVILEGE.administrator)
        return refused(COMPLETION.insufficientPrivilege);
      return sessions.delete(id) ? ok() : refused(COMPLETION.invalidSessionId);
    },
  },
  {
    netFn: NET_FN.app,
    command: APP.getChannelInfo,
    privilege: PRIVILEGE.user,
    length: 1,
    // 802.3 LAN, IPMB 1.0 protocol, multi-session, IPMI enterprise 7154.
    run: () => ok(CHANNEL, 4, 1, 0x80, 0xf2, 0x1b, 0, 0, 0),
  },
];

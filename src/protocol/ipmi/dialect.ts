import { concat, equalBytes } from './bytes.js';
import type { Handshake } from './security.js';

/**
 * What a BMC hashes instead of the console's role and name octets. A console knows the password, so the code of RAKP 2
 * shows which dialect a BMC speaks before the console proves anything: no login is spent on trying.
 */
export interface Dialect {
  readonly name: 'standard' | 'plain privilege' | 'padded name' | 'plain privilege, padded name';
  /** Firmware that was seen with it. */
  readonly seenOn: string;
  /** Without bit 4, the lookup by name only: the privilege of the Open Session Request. */
  readonly plainRole: boolean;
  /** The name filled up to 16 octets with zeroes. */
  readonly paddedName: boolean;
}

/** In the order of trial. FreeIPMI lists the same under "opensesspriv" and "intel20". */
export const DIALECTS: readonly Dialect[] = [
  { name: 'standard', seenOn: 'IPMI 2.0 §13.31', plainRole: false, paddedName: false },
  {
    name: 'plain privilege',
    seenOn: 'Supermicro X8DT, Intel S5500WBV and S2600JF, Dell C5220, Sun ILOM',
    plainRole: true,
    paddedName: false,
  },
  { name: 'padded name', seenOn: 'Intel SE7520', plainRole: false, paddedName: true },
  { name: 'plain privilege, padded name', seenOn: 'Intel SE7520', plainRole: true, paddedName: true },
];

/** The handshake as a BMC of that dialect hashes it. */
export function inDialect(handshake: Handshake, dialect: Dialect): Handshake {
  const { role, username } = handshake;
  const padded = concat(username, new Uint8Array(16 - username.length));
  return {
    ...handshake,
    role: dialect.plainRole ? role & 0x0f : role,
    username: dialect.paddedName ? padded : username,
  };
}

/** Supermicro H8QME leaves out the last octet of a code. */
const CUT = 1;

/** Whether a BMC's code is the expected one, whole or one octet short. */
export function codeMatches(expected: Uint8Array, code: Uint8Array): boolean {
  if (code.length === expected.length - CUT) return equalBytes(expected.subarray(0, -CUT), code);
  return equalBytes(expected, code);
}

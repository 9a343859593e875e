import type { PrivilegeName } from '../../src/protocol/ipmi/command.js';

export interface BmcUser {
  /** At most 16 octets of ASCII. */
  name: string;
  /** At most 20 octets. */
  password: string;
  privilege: PrivilegeName;
}

/** @throws RangeError when the name or password is longer than IPMI 2.0 allows */
export function checkUser(user: BmcUser): void {
  if (Buffer.byteLength(user.name, 'latin1') > 16)
    throw new RangeError('a BMC user name has at most 16 octets');
  if (Buffer.byteLength(user.password, 'latin1') > 20)
    throw new RangeError('a BMC password has at most 20 octets');
}

import type { IpmiFault } from './link.js';

/** What can go wrong at a BMC, in the same words whatever program spoke to it. Stage and doubt are added where seen. */
export const FAULTS = {
  noRoom: { code: 'bmc-failed', message: 'the BMC has no free session', passing: 'busy' },
  unresolved: {
    code: 'bmc-unreachable',
    message: 'the conductor could not resolve the BMC’s address',
    passing: 'silent',
    absent: true,
  },
  noSocket: {
    code: 'bmc-unreachable',
    message: 'the conductor could not open a socket to the BMC',
    passing: 'silent',
    absent: true,
  },
  noV20: { code: 'unsupported', message: 'the BMC does not support IPMI 2.0' },
  late: { code: 'bmc-unreachable', message: 'the BMC does not answer in time', passing: 'silent' },
  absent: {
    code: 'bmc-unreachable',
    message: 'the BMC does not answer',
    passing: 'silent',
    absent: true,
  },
  unanswered: {
    code: 'bmc-unreachable',
    message: 'the BMC did not answer the command',
    passing: 'silent',
  },
  wrongPassword: { code: 'bmc-authentication', message: 'the BMC refused the login: wrong password' },
  unknownUser: { code: 'bmc-authentication', message: 'the BMC refused the login: unknown user' },
  wrongKg: { code: 'bmc-authentication', message: 'the BMC refused the login: wrong Kg key' },
  noPrivilege: {
    code: 'bmc-authentication',
    message: 'the BMC refused the login: the user does not have the privilege level',
  },
  noSuite: { code: 'unsupported', message: 'the BMC does not support the cipher suite' },
  busy: { code: 'bmc-failed', message: 'the BMC is busy', passing: 'busy' },
  noCommand: { code: 'unsupported', message: 'the BMC does not support the command' },
  noValue: { code: 'unsupported', message: 'the BMC does not support the command with this value' },
  notNow: { code: 'bmc-failed', message: 'the BMC does not do that in its present state' },
  notAllowed: {
    code: 'bmc-authentication',
    message: 'the BMC refused the command: the user does not have the privilege level',
  },
} as const satisfies Record<string, IpmiFault>;

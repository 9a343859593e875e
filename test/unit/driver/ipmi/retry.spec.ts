import { describe, expect, it } from 'vitest';
import { powerControl, powerStatus } from '../../../../src/driver/ipmi/commands.js';
import type { IpmiFault } from '../../../../src/driver/ipmi/link.js';
import { retransmissionFor, wasRefused, worthAnother } from '../../../../src/driver/ipmi/retry.js';

const lost: IpmiFault = { code: 'bmc-unreachable', message: '', passing: 'silent' };
const noSession: IpmiFault = { ...lost, stage: 'session' };
const absent: IpmiFault = { ...noSession, absent: true };
const busy: IpmiFault = { code: 'bmc-failed', message: '', passing: 'busy', stage: 'refusal' };
const refused: IpmiFault = { code: 'unsupported', message: '', stage: 'refusal' };
const doubtful: IpmiFault = { code: 'bmc-authentication', message: '', stage: 'session', unsure: true };
const tried = { unsure: 1, doubtful: false, attended: true, silences: 0 };
const nmi = powerControl('diag');

describe('worthAnother', () => {
  it.each([
    ['a lost answer of what may be said twice', lost, powerStatus, {}, true],
    ['a lost answer of what may not', lost, nmi, {}, false],
    ['no session: nothing was sent', noSession, nmi, {}, true],
    ['a busy BMC has done nothing', busy, nmi, {}, true],
    ['a refusal', refused, powerStatus, {}, false],
    ['a BMC that is away, and somebody waits', absent, powerStatus, { silences: 9 }, true],
    ['a BMC that is away, first look', absent, powerStatus, { attended: false, silences: 1 }, true],
    ['a BMC that is away, and nobody waits', absent, powerStatus, { attended: false, silences: 2 }, false],
    ['a wrong password, no packet lost', doubtful, powerStatus, {}, false],
    ['a wrong password, a packet was lost', doubtful, powerStatus, { doubtful: true }, true],
    ['a wrong password for the third time', doubtful, powerStatus, { doubtful: true, unsure: 3 }, false],
  ] as const)('%s', (_, fault, command, more, again) => {
    expect(worthAnother(fault, command, { ...tried, ...more })).toBe(again);
  });
});

it('a refused login is one of which no doubt is left', () => {
  expect(wasRefused(doubtful, tried)).toBe(true);
  expect(wasRefused(doubtful, { ...tried, doubtful: true })).toBe(false);
  expect(wasRefused(doubtful, { ...tried, doubtful: true, unsure: 3 })).toBe(true);
  expect(wasRefused(refused, tried)).toBe(false);
  // No privilege for a command: others of the same login are answered.
  expect(wasRefused({ code: 'bmc-authentication', message: '', stage: 'refusal' }, tried)).toBe(false);
});

describe('retransmissionFor', () => {
  const times = { brief: 2, long: 5 };
  const known = { slow: false, silences: 0 };
  it.each([
    ['at first', powerStatus, known, undefined, { seconds: 2, sends: 2 }],
    ['a command that may not be repeated', nmi, known, undefined, { seconds: 2, sends: 1 }],
    ['after silence', powerStatus, known, lost, { seconds: 5, sends: 3 }],
    ['after a busy one', powerStatus, known, busy, { seconds: 2, sends: 3 }],
    ['a slow BMC', powerStatus, { slow: true, silences: 0 }, undefined, { seconds: 5, sends: 2 }],
    ['gone: the long time', powerStatus, { slow: false, silences: 1 }, absent, { seconds: 5, sends: 1 }],
    [
      'gone: the short one again',
      powerStatus,
      { slow: false, silences: 2 },
      undefined,
      { seconds: 2, sends: 1 },
    ],
  ] as const)('%s', (_, command, bmc, last, retransmission) => {
    expect(retransmissionFor(command, bmc, last, times)).toEqual(retransmission);
  });
});

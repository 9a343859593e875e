import { describe, expect, it } from 'vitest';
import type { RedfishFault } from '../../../../src/driver/redfish/faults.js';
import { pauseBefore, type Repeat, retryAfterOf } from '../../../../src/driver/redfish/retry.js';

const fault = (more: Partial<RedfishFault>): RedfishFault => ({
  code: 'bmc-failed',
  outcome: 'refused',
  text: 'x',
  ...more,
});
const message = (id: string) => [
  { id, text: id, resolution: undefined, severity: 'Warning' as const, properties: [] },
];
const away = (outcome: 'unsent' | 'unknown') => fault({ code: 'bmc-unreachable', outcome });
const attempts = { sent: 1, attended: true, most: 3, interval: 4_000 };

describe('pauseBefore', () => {
  it.each<[string, RedfishFault, Record<Repeat, number | undefined>]>([
    ['nothing was sent', away('unsent'), { looks: 4_000, undone: 4_000, unsent: 4_000 }],
    ['no answer came', away('unknown'), { looks: 4_000, undone: undefined, unsent: undefined }],
    [
      'a fault of the BMC’s own',
      fault({ status: 500 }),
      { looks: 4_000, undone: undefined, unsent: undefined },
    ],
    ['not implemented', fault({ status: 501 }), { looks: undefined, undone: undefined, unsent: undefined }],
    ['busy', fault({ status: 503, retryAfter: 7_000 }), { looks: 7_000, undone: 7_000, unsent: undefined }],
    [
      'SYS518',
      fault({ status: 500, messages: message('SYS518') }),
      { looks: 1_000, undone: 1_000, unsent: undefined },
    ],
    [
      'during POST',
      fault({ status: 400, messages: message('UnableToModifyDuringSystemPOST') }),
      { looks: 1_000, undone: 1_000, unsent: undefined },
    ],
    ['a refusal', fault({ status: 400 }), { looks: undefined, undone: undefined, unsent: undefined }],
    [
      'a refused login',
      fault({ code: 'bmc-authentication', status: 401 }),
      { looks: undefined, undone: undefined, unsent: undefined },
    ],
  ])('%s', (_, told, pauses) => {
    for (const [repeat, pause] of Object.entries(pauses)) {
      expect(pauseBefore(told, repeat as Repeat, attempts), repeat).toBe(pause);
    }
  });

  it('comes to an end, sooner where nobody waits', () => {
    expect(pauseBefore(away('unsent'), 'looks', { ...attempts, sent: 3 })).toBeUndefined();
    expect(pauseBefore(away('unsent'), 'looks', { ...attempts, sent: 1, attended: false })).toBe(4_000);
    expect(pauseBefore(away('unsent'), 'looks', { ...attempts, sent: 2, attended: false })).toBeUndefined();
    const busy = fault({ status: 503 });
    expect(pauseBefore(busy, 'undone', { ...attempts, sent: 5 })).toBe(15_000);
    expect(pauseBefore(busy, 'undone', { ...attempts, sent: 6 })).toBeUndefined();
  });

  it('does not believe a BMC that asks for a day', () => {
    expect(pauseBefore(fault({ status: 503, retryAfter: 86_400_000 }), 'looks', attempts)).toBe(30_000);
  });
});

describe('retryAfterOf', () => {
  it.each([
    ['5', 5_000],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s', (value, ms) => {
    expect(retryAfterOf(value, 1_000)).toBe(ms);
  });
});

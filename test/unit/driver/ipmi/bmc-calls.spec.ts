import { expect, it } from 'vitest';
import { ipmiSection } from '../../../../src/config/section/ipmi.js';
import { CancelledError } from '../../../../src/domain/errors.js';
import { BmcCalls } from '../../../../src/driver/ipmi/bmc-calls.js';
import { powerControl } from '../../../../src/driver/ipmi/commands.js';
import { FAULTS } from '../../../../src/driver/ipmi/faults.js';
import { callOf, IpmiError, type IpmiFault } from '../../../../src/driver/ipmi/link.js';
import { inSession } from '../../../../src/driver/ipmi/native/outcome.js';
import { DriverBench } from '../../../support/driver-context.js';

/** A reset whose first attempt ends with that fault, and whose second one has no end; the caller's time is up in it. */
async function resetUntilTimeout(first: IpmiFault): Promise<unknown> {
  const calls = new BmcCalls(ipmiSection.parse({}));
  const context = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' } }).context();
  const timeout = new AbortController();
  const call = { ...callOf(context), signal: timeout.signal, command: powerControl('reset') };
  let begun = 0;
  return calls
    .run(call, 'socket', async ({ doubt }): Promise<void> => {
      doubt(true);
      if (begun++ === 0) throw new IpmiError(first, 'power reset', call.target);
      timeout.abort(new DOMException('time is up', 'TimeoutError'));
      throw new CancelledError();
    })
    .catch((error: unknown) => error);
}

it.each<[string, IpmiFault]>([
  ['a full table of sessions', inSession(FAULTS.noRoom)],
  ['a doubtful password', { ...inSession(FAULTS.wrongPassword), unsure: true }],
])('a reset that was sent perhaps, after %s, is told as one', async (_, first) => {
  const error = await resetUntilTimeout(first);
  expect(error).toBeInstanceOf(IpmiError);
  expect(error).toMatchObject({ unanswered: true });
  expect((error as IpmiError).fault).not.toHaveProperty('stage');
});

import { expect, it } from 'vitest';
import { ipmiSection } from '../../../../src/config/section/ipmi.js';
import { BmcCalls } from '../../../../src/driver/ipmi/bmc-calls.js';
import { powerStatus } from '../../../../src/driver/ipmi/commands.js';
import { FAULTS } from '../../../../src/driver/ipmi/faults.js';
import type { IpmitoolLink } from '../../../../src/driver/ipmi/ipmitool-link.js';
import { callOf, IpmiError, type LinkCall } from '../../../../src/driver/ipmi/link.js';
import { LinkChoice } from '../../../../src/driver/ipmi/link-choice.js';
import type { NativeLink } from '../../../../src/driver/ipmi/native/native-link.js';
import { inSession } from '../../../../src/driver/ipmi/native/outcome.js';
import { Shadow } from '../../../../src/driver/ipmi/shadow.js';
import { DriverBench } from '../../../support/driver-context.js';
import { throwOnce } from '../../../support/faults/throw-once.js';

type Read = (call: LinkCall) => Promise<'power on' | 'power off'>;

function choiceOf(native: Read, ipmitool: Read): LinkChoice {
  return new LinkChoice({
    settings: ipmiSection.parse({ link: 'native', command_retry_timeout: 1 }),
    native: { chassisPower: native } as unknown as NativeLink,
    ipmitool: { chassisPower: ipmitool } as unknown as IpmitoolLink,
    shadow: new Shadow(1),
  });
}

const node = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1', ipmi_password: 'secret' } });

it('a login that is refused to the second link alone is not held against the first', async () => {
  const calls = new BmcCalls(ipmiSection.parse({ command_retry_timeout: 1 }));
  const lines = node.lines.length;
  const by = (refused: boolean): Read => {
    return ({ once: _, ...call }) =>
      calls.run({ ...call, command: powerStatus }, 'socket', async () => {
        if (refused) throw new IpmiError(inSession(FAULTS.wrongPassword), 'power status', call.target);
        return 'power on' as const;
      });
  };
  const choice = choiceOf(by(false), by(true));
  const poll = { ...callOf(node.context()), attended: false };
  expect(await choice.chassisPower(poll)).toBe('power on');
  await expect.poll(() => node.lines.length).toBeGreaterThan(lines);
  expect(await choice.chassisPower(poll)).toBe('power on');
});

it('its readings are its own calls: no fence, no signal and no patience of a caller that has returned', async () => {
  const seen: LinkCall[] = [];
  let fences = 0;
  const read: Read = async (call) => {
    seen.push(call);
    await call.fence(1_000);
    return seen.length === 2 ? 'power off' : 'power on';
  };
  const caller = new AbortController();
  const given: LinkCall = {
    ...callOf(node.context()),
    attended: true,
    signal: caller.signal,
    within: 5,
    fence: async () => void fences++,
  };
  const reading = choiceOf(read, read).chassisPower(given);
  expect(await reading).toBe('power on');
  caller.abort();
  await expect.poll(() => seen.length).toBe(3);
  expect(fences).toBe(1);
  for (const call of seen.slice(1)) {
    expect(call).toMatchObject({ attended: false, aside: true, target: given.target });
    expect(call.signal.aborted).toBe(false);
    expect(call).not.toHaveProperty('within');
  }
});

it('a fault at the end of a second reading is none of the first, and takes no place from the next', async () => {
  const first = throwOnce('ipmi: shadow');
  let seconds = 0;
  const choice = choiceOf(
    async () => 'power on',
    async () => {
      seconds++;
      return 'power on';
    },
  );
  for (let reads = 1; reads <= 6; reads++) {
    expect(await choice.chassisPower(callOf(node.context()))).toBe('power on');
    await expect.poll(() => seconds).toBe(reads);
  }
  expect(first.thrown()).toBe(true);
});

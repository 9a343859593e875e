import { describe, expect, it } from 'vitest';
import { ipmiSection } from '../../../../src/config/section/ipmi.js';
import type { IpmitoolLink } from '../../../../src/driver/ipmi/ipmitool-link.js';
import { callOf, IpmiError, type IpmiFault, type LinkCall } from '../../../../src/driver/ipmi/link.js';
import { LinkChoice } from '../../../../src/driver/ipmi/link-choice.js';
import type { NativeLink } from '../../../../src/driver/ipmi/native/native-link.js';
import { DriverBench } from '../../../support/driver-context.js';

const DAY = 24 * 3_600_000;
const odd: IpmiFault = { code: 'unsupported', message: 'odd', stage: 'session' };
const late: IpmiFault = { code: 'bmc-unreachable', message: 'late', passing: 'silent', stage: 'session' };

function bench(
  by: { native?: IpmiFault; ipmitool?: IpmiFault },
  link: 'auto' | 'native' | 'ipmitool' = 'auto',
) {
  const asked: string[] = [];
  const faults = { ...by };
  const side = (name: 'native' | 'ipmitool') => ({
    chassisPower: async ({ target }: LinkCall) => {
      asked.push(name);
      const fault = faults[name];
      if (fault) throw new IpmiError(fault, 'power status', target);
      return 'power on' as const;
    },
  });
  let now = 1_000;
  const node = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' } });
  const choice = new LinkChoice({
    settings: ipmiSection.parse({ link, command_retry_timeout: 1 }),
    native: side('native') as unknown as NativeLink,
    ipmitool: side('ipmitool') as unknown as IpmitoolLink,
    now: () => now,
  });
  return {
    faults,
    choice,
    lines: node.lines,
    later: (ms: number) => {
      now += ms;
    },
    read: async (info = {}): Promise<string> => {
      asked.length = 0;
      const at = new DriverBench({ driver_info: { ipmi_address: '10.0.0.1', ...info } }).context();
      const end = await choice
        .chassisPower({ ...callOf(at), log: node.context().log })
        .catch((error: IpmiError) => error.fault.message);
      return `${asked.join(' ')}: ${end}`;
    },
  };
}

describe('ipmi.link: auto', () => {
  it('is the native link; ipmitool where that cannot speak', async () => {
    const { read } = bench({});
    expect(await read()).toBe('native: power on');
    expect(await read({ ipmi_protocol_version: '1.5' })).toBe('ipmitool: power on');
    const bridged = { ipmi_bridging: 'single', ipmi_target_channel: 0, ipmi_target_address: 72 };
    expect(await read(bridged)).toBe('ipmitool: power on');
  });

  it('gives a BMC to ipmitool for a day, and says so once', async () => {
    const { read, choice, later, faults, lines } = bench({ native: odd });
    expect(await read()).toBe('native ipmitool: power on');
    for (let i = 0; i < 3; i++) expect(await read()).toBe('ipmitool: power on');
    expect(choice.held).toBe(1);
    expect(lines.filter((line) => line.includes('ipmitool reaches this BMC'))).toHaveLength(1);
    later(DAY + 1);
    delete faults.native;
    expect(await read()).toBe('native: power on');
    expect(choice.held).toBe(0);
  });

  it('a BMC that the native link has reached before gets a second chance first', async () => {
    const { read, faults } = bench({});
    await read();
    faults.native = late;
    expect(await read()).toBe('native: late');
    expect(await read()).toBe('native ipmitool: power on');
  });

  it.each<[string, IpmiFault]>([
    ['a refused login', { code: 'bmc-authentication', message: 'no', stage: 'session' }],
    ['a downgrade', { ...odd, message: 'no', final: true }],
    ['an absent BMC', { ...late, message: 'no', absent: true }],
    ['a full table of sessions', { code: 'bmc-failed', message: 'no', passing: 'busy', stage: 'session' }],
    ['a command without an answer', { code: 'bmc-unreachable', message: 'no', passing: 'silent' }],
    ['a refused command', { code: 'unsupported', message: 'no', stage: 'refusal' }],
  ])('%s is not tried by ipmitool', async (_, native) => {
    const { read, choice } = bench({ native });
    for (let i = 0; i < 4; i++) expect(await read()).toMatch(/^native( native)?: no$/);
    expect(choice.held).toBe(0);
  });

  it('where both fail, ipmitool rests', async () => {
    const { read, later } = bench({ native: odd, ipmitool: late });
    expect(await read()).toBe('native ipmitool: odd');
    expect(await read()).toBe('native: odd');
    later(600_001);
    expect(await read()).toBe('native ipmitool: odd');
  });
});

it.each(['native', 'ipmitool'] as const)('ipmi.link: %s forces it', async (link) => {
  const { read } = bench({ native: odd, ipmitool: late }, link);
  expect(await read()).toBe(`${link}: ${link === 'native' ? 'odd' : 'late'}`);
});

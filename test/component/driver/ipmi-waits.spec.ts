import { describe, expect, it } from 'vitest';
import { powerStatus } from '../../../src/driver/ipmi/commands.js';
import { callOf } from '../../../src/driver/ipmi/link.js';
import { useIpmitool } from '../../support/ipmitool-bed.js';
import { OPERATOR, Rack } from '../../support/paper-rack.js';

const bed = useIpmitool();
const { build } = bed;

// These wait for answers that come late or never: side by side, the longest first.
describe.concurrent('a BMC that keeps the real ipmitool waiting', () => {
  it('a slow BMC is waited for, and not taken for a wrong password', async () => {
    const patient = build({ max_response_timeout: 3, command_retry_timeout: 60 });
    await using rack = await Rack.up({ kind: 'slow', delay: 1_200 });
    expect(await patient.power.getPowerState(rack.bench().context())).toBe('power off');
  }, 60_000);

  it('whoever has less time than the window is told what was found until then', async () => {
    await using rack = await Rack.up({ kind: 'dead' });
    for (const time of [500, 4_000]) {
      const call = { ...callOf(rack.bench().context()), command: powerStatus };
      const answer = bed.driver.ipmitool.execute({ ...call, signal: AbortSignal.timeout(time) });
      await expect(answer).rejects.toMatchObject({
        code: 'bmc-unreachable',
        message: expect.stringMatching(/the BMC 127\.0\.0\.1 does not answer/) as string,
      });
    }
  });

  it('a BMC that comes back within the window is reached', async () => {
    await using rack = await Rack.up({ kind: 'dead' });
    setTimeout(() => rack.bmc.setFaults(), 3_000);
    await bed.driver.power.setPowerState(rack.bench().context(), 'power on', 20_000);
    expect(rack.machine.isOn()).toBe(true);
  });

  it('a BMC that lies about what it did is found out', async () => {
    await using rack = await Rack.up({ kind: 'lying', control: 'ignores' });
    await expect(
      bed.driver.power.setPowerState(rack.bench().context(), 'power on', 1_000),
    ).rejects.toMatchObject({
      code: 'bmc-failed',
      message: 'The machine did not reach power on within 1 s; its BMC says power off.',
    });
  });

  it.each([
    ['wrong password', { ipmi_password: 'not-it' }, 'bmc-authentication', /wrong password/],
    ['unknown user', { ipmi_username: 'nobody' }, 'bmc-authentication', /unknown user/],
    [
      'missing privilege',
      { ipmi_username: 'oper', ipmi_password: OPERATOR },
      'bmc-authentication',
      /privilege/,
    ],
    ['nothing there', { ipmi_port: 9 }, 'bmc-unreachable', /the BMC 127\.0\.0\.1 does not answer/],
    [
      'unknown name',
      { ipmi_address: 'bmc.invalid' },
      'bmc-unreachable',
      /the conductor could not resolve the BMC’s address bmc\.invalid/,
    ],
  ] as const)('%s is its own error', async (_, info, code, text) => {
    await using rack = await Rack.up();
    const error: unknown = await bed.driver.power.getPowerState(rack.bench(info).context()).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
    expect((error as Error).message).not.toMatch(/canary|not-it/);
  });
});

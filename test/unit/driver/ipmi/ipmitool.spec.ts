import { describe, expect, it, vi } from 'vitest';
import { ipmiSection } from '../../../../src/config/section/ipmi.js';
import { powerControl } from '../../../../src/driver/ipmi/commands.js';
import { Ipmitool } from '../../../../src/driver/ipmi/ipmitool.js';
import { callOf } from '../../../../src/driver/ipmi/link.js';
import { CommandError, type CommandResult } from '../../../../src/platform/run-command.js';
import { DriverBench } from '../../../support/driver-context.js';

const SILENT =
  '> RAKP 1 message has no response from RAKP\nError: Unable to establish IPMI v2 / RMCP+ session';
/** What ipmitool says after the answer to its first request was lost, whatever the BMC is. */
const NOT_V2 = 'This BMC does not support IPMI v2\nError: Unable to establish IPMI v2 / RMCP+ session';

/** An ipmitool whose runs fail by these messages in turn, each after 3 s, and then succeed. */
function failing(...messages: string[]) {
  const left = [...messages];
  const run = vi.fn(async (): Promise<CommandResult> => {
    const stderr = left.shift();
    const done = { exitCode: 0, stdout: 'Chassis Power Control: Soft\n', stderr: '', duration: 100 };
    if (stderr === undefined) return done;
    const result = { exitCode: 1, stdout: '', stderr, duration: 3_000 };
    throw new CommandError('ipmitool', 'exit', result, 'exit status 1');
  });
  const settings = ipmiSection.parse({ min_response_timeout: 1, max_response_timeout: 1 });
  return { run, ipmitool: new Ipmitool({ settings, runtimeDirectory: '/nonexistent', run }) };
}
const call = {
  ...callOf(new DriverBench({ driver_info: { ipmi_address: '10.0.0.1' } }).context()),
  command: powerControl('soft'),
};

describe('a refusal that a lost packet can imitate', () => {
  it('is repeated as often after silences as without them', async () => {
    const { ipmitool, run } = failing(SILENT, SILENT, NOT_V2, NOT_V2);
    await ipmitool.execute(call);
    expect(run).toHaveBeenCalledTimes(5);
  });

  it('is final the third time', async () => {
    const { ipmitool, run } = failing(NOT_V2, NOT_V2, NOT_V2, NOT_V2);
    await expect(ipmitool.execute(call)).rejects.toMatchObject({ code: 'unsupported' });
    expect(run).toHaveBeenCalledTimes(3);
  });
});

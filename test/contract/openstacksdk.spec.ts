// Debian's python3-openstacksdk, unmodified, against the daemon as it is shipped: every method of its bare metal proxy.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { type AnswerCheck, startAnswerCheck } from '../support/answer-check.js';
import { DaemonHome } from '../support/daemon.js';

const PROGRAM = 'test/contract/sdk/scenarios.py';
/** The program's own list, so that each has a test of its own here. */
const SCENARIOS = [...readFileSync(PROGRAM, 'utf8').matchAll(/^def (\w+)\(\):/gm)]
  .map(([, name]) => name!)
  .filter((name) => name !== 'mac');

interface Report {
  results: Record<string, string | null>;
  uncalled: string[];
}

describe('the OpenStack SDK', () => {
  let home: DaemonHome;
  let report: Report;
  let check: AnswerCheck;
  beforeAll(async () => {
    home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2 } });
    check = await startAnswerCheck((await home.start()).url);
    const { stdout } = await runCommand({
      file: '/usr/bin/python3',
      args: [PROGRAM],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home.directory, OS_ENDPOINT: check.url },
      timeout: 280_000,
      maxOutput: 1 << 20,
    });
    report = JSON.parse(stdout) as Report;
  });
  afterAll(async () => {
    await check?.stop();
    await home?.remove();
  });

  it.each(SCENARIOS)('%s', (name) => {
    expect(report.results).toHaveProperty(name);
    expect(report.results[name]).toBeNull();
  });

  it('has no method of its proxy that these did not call', () => {
    expect(report.uncalled).toEqual([]);
  });

  it('got no answer that is not as the OpenAPI document says', () => {
    console.info(`${check.answers()} answers to the SDK held against the document`);
    expect(check.answers()).toBeGreaterThan(100);
    expect(check.faults()).toEqual([]);
  });
});

// Debian's python3-openstacksdk, unmodified, against the daemon as it is shipped: every method of its bare metal proxy.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
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
  beforeAll(async () => {
    home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2 } });
    const daemon = await home.start();
    const { stdout } = await runCommand({
      file: '/usr/bin/python3',
      args: [PROGRAM],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home.directory, OS_ENDPOINT: daemon.url },
      timeout: 280_000,
      maxOutput: 1 << 20,
    });
    report = JSON.parse(stdout) as Report;
  });
  afterAll(() => home?.remove());

  it.each(SCENARIOS)('%s', (name) => {
    expect(report.results).toHaveProperty(name);
    expect(report.results[name]).toBeNull();
  });

  it('has no method of its proxy that these did not call', () => {
    expect(report.uncalled).toEqual([]);
  });
});

// Nova's own driver (Debian's python3-nova), unmodified, against the daemon as it is shipped, with fake hardware.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { DaemonHome } from '../support/daemon.js';

const PROGRAM = 'test/contract/nova/scenarios.py';
const SCENARIOS = /for scenario in \(([^)]+)\)/.exec(readFileSync(PROGRAM, 'utf8'))![1]!.split(', ');

describe('Nova’s Ironic driver', () => {
  let home: DaemonHome;
  let results: Record<string, string | null>;
  beforeAll(async () => {
    home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2 } });
    const daemon = await home.start();
    const conf = join(home.directory, 'nova.conf');
    const lines = [
      '[DEFAULT]',
      'host = host',
      `state_path = ${home.directory}`,
      '[ironic]',
      'auth_type = none',
      `endpoint_override = ${daemon.url}`,
      'api_retry_interval = 0',
    ];
    writeFileSync(conf, `${lines.join('\n')}\n`);
    const { stdout } = await runCommand({
      file: '/usr/bin/python3',
      args: [PROGRAM],
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: home.directory,
        NOVA_CONF: conf,
        OS_ENDPOINT: daemon.url,
      },
      timeout: 280_000,
      maxOutput: 1 << 20,
    });
    results = (JSON.parse(stdout.slice(stdout.lastIndexOf('{"results"'))) as { results: typeof results })
      .results;
  });
  afterAll(() => home?.remove());

  it.each(SCENARIOS)('%s', (name) => {
    expect(results).toHaveProperty(name);
    expect(results[name]).toBeNull();
  });
});

// Nova's own driver (Debian's python3-nova), unmodified, against the daemon as it is shipped, with fake hardware.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { type AnswerCheck, startAnswerCheck } from '../support/answer-check.js';
import { DaemonHome } from '../support/daemon.js';

const PROGRAM = 'test/contract/nova/scenarios.py';
const SCENARIOS = /for scenario in \(([^)]+)\)/.exec(readFileSync(PROGRAM, 'utf8'))![1]!.split(', ');

describe('Nova’s Ironic driver', () => {
  let home: DaemonHome;
  let results: Record<string, string | null>;
  let check: AnswerCheck;
  beforeAll(async () => {
    home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2 } });
    check = await startAnswerCheck((await home.start()).url);
    const conf = join(home.directory, 'nova.conf');
    const lines = [
      '[DEFAULT]',
      'host = host',
      `state_path = ${home.directory}`,
      '[ironic]',
      'auth_type = none',
      `endpoint_override = ${check.url}`,
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
        OS_ENDPOINT: check.url,
      },
      timeout: 280_000,
      maxOutput: 1 << 20,
    });
    results = (JSON.parse(stdout.slice(stdout.lastIndexOf('{"results"'))) as { results: typeof results })
      .results;
  });
  afterAll(async () => {
    await check?.stop();
    await home?.remove();
  });

  it.each(SCENARIOS)('%s', (name) => {
    expect(results).toHaveProperty(name);
    expect(results[name]).toBeNull();
  });

  it('got no answer that is not as the OpenAPI document says', () => {
    console.info(`${check.answers()} answers to Nova held against the document`);
    expect(check.answers()).toBeGreaterThan(50);
    expect(check.faults()).toEqual([]);
  });
});

// Debian's `baremetal` on Debian's Ironic and on the daemon as it is shipped: what it prints of both.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { type AnswerCheck, startAnswerCheck } from '../../support/answer-check.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { type IronicPeer, startIronicPeer } from '../../support/peer/ironic.js';
import { reportOf } from '../compare/report.js';
import { OURS, PEER } from '../differ/servers.js';
import { BaremetalClient, clientEnvironment } from './client.js';
import { MEANT, WITHOUT_END } from './meant.js';
import { outcomeOf } from './output.js';
import { openLines, pageOf } from './report.js';
import { type Run, runScenario, type Side } from './run.js';
import { SCENARIOS } from './scenarios.js';

const PAGE = new URL('../../../docs/reference/baremetal-command.md', import.meta.url).pathname;

let directory: string;
/** One that is still starting when something else fails is stopped, too. */
let starting: Promise<IronicPeer>;
let peer: IronicPeer;
let home: DaemonHome;
let daemon: RunningDaemon;
let check: AnswerCheck;
let theirs: Side;
let ours: Side;
/** By scenario: one that is tried again counts once. */
const runs = new Map<string, Run>();

function total(): Run {
  const all = [...runs.values()];
  return {
    executions: all.flatMap(({ executions }) => executions),
    findings: all.flatMap(({ findings }) => findings),
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-baremetal-'));
  home = new DaemonHome(OURS);
  starting = startIronicPeer({ config: PEER });
  [peer, daemon] = await Promise.all([starting, home.start()]);
  check = await startAnswerCheck(daemon.url);
  const side = async (base: string, endpoint: string): Promise<Side> => ({
    base,
    endpoint,
    client: await BaremetalClient.start(endpoint, directory),
    kept: new Map(),
  });
  [theirs, ours] = await Promise.all([side(peer.endpoint, peer.endpoint), side(daemon.url, check.url)]);
});
afterAll(async () => {
  await Promise.all([theirs?.client.stop(), ours?.client.stop()]);
  await check?.stop();
  const stopPeer = async () => (await starting?.catch(() => undefined))?.stop();
  await Promise.all([stopPeer(), home?.remove()]);
  if (directory) rmSync(directory, { recursive: true });
});

describe('Debian’s `baremetal`', () => {
  it.each(SCENARIOS)('$name', { timeout: 600_000 }, async (scenario) => {
    for (const [name, content] of Object.entries(scenario.files ?? {})) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), content);
    }
    const run = await runScenario(scenario, theirs, ours);
    runs.set(scenario.name, run);
    expect(openLines(reportOf(run.findings, MEANT))).toEqual([]);
  });

  it('prints as an executable what it prints here', async () => {
    for (const argv of [['driver', 'list'], ['conductor', 'show', 'nosuch'], ['node', 'create'], ['help']]) {
      const script = 'baremetal "$@"; echo "status $?"';
      const { stdout, stderr } = await runCommand({
        file: '/bin/sh',
        args: ['-c', script, 'sh', ...argv],
        env: clientEnvironment(check.url, directory),
        timeout: 60_000,
      });
      const [, printed = '', status = ''] = /^([\s\S]*)status (\d+)\n$/.exec(stdout) ?? [];
      const executable = outcomeOf({ status: Number(status), stdout: printed, stderr }, check.url);
      expect([argv, outcomeOf(await ours.client.run(argv), check.url)]).toEqual([argv, executable]);
    }
  });

  it('has no subcommand that is not run to its end on both, but for those that cannot be', () => {
    const done = new Set(total().executions.flatMap(({ command, good }) => (good ? [command] : [])));
    const missing = Object.keys(ours.client.commands).filter((name) => !done.has(name));
    expect(missing).toEqual(Object.keys(WITHOUT_END).toSorted());
  });

  it('got no answer that is not as the OpenAPI document says', () => {
    expect(check.answers()).toBeGreaterThan(total().executions.length / 2);
    expect(check.faults()).toEqual([]);
  });

  it('printed no secret, and none is in the daemon’s log', () => {
    expect(home.log()).not.toContain('canary');
  });

  it('has no row among the meant differences that nothing matches', () => {
    expect(reportOf(total().findings, MEANT).unused).toEqual([]);
  });

  it('has its counts in the reference', async () => {
    const { executions, findings } = total();
    const report = reportOf(findings, MEANT);
    console.info(
      `${executions.length} commands compared, ${report.meant.flat().length} places differ as meant, ` +
        `${report.open.length} differ openly; ${check.answers()} answers held against the document`,
    );
    await expect(pageOf(report, executions, ours.client.commands)).toMatchFileSnapshot(PAGE);
  });
});

// The same requests to Debian's Ironic and to the daemon as it is shipped: every difference is one that is meant.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { type IronicPeer, startIronicPeer } from '../../support/peer/ironic.js';
import { openLines, pageOf, reportOf } from './report.js';
import { type Run, runScenario } from './run.js';
import { SCENARIOS } from './scenarios.js';
import { OURS, PEER } from './servers.js';

const PAGE = new URL('../../../docs/reference/ironic-differences.md', import.meta.url).pathname;

let peer: IronicPeer;
let home: DaemonHome;
let daemon: RunningDaemon;
/** By scenario: one that is tried again counts once. */
const runs = new Map<string, Run>();

function total(): Run {
  const all = [...runs.values()];
  const exchanges = all.reduce((sum, run) => sum + run.exchanges, 0);
  return { exchanges, findings: all.flatMap(({ findings }) => findings) };
}

beforeAll(async () => {
  home = new DaemonHome(OURS);
  [peer, daemon] = await Promise.all([startIronicPeer({ config: PEER }), home.start()]);
});
afterAll(async () => {
  await Promise.all([peer?.stop(), home?.remove()]);
});

describe('Ferric beside Debian’s Ironic', () => {
  it.each(SCENARIOS)('$name', async (scenario) => {
    const run = await runScenario(scenario, peer.endpoint, daemon.url);
    runs.set(scenario.name, run);
    expect(openLines(reportOf(run))).toEqual([]);
  });

  it('has no row among the meant differences that nothing matches', () => {
    expect(reportOf(total()).unused).toEqual([]);
  });

  it('has its counts in the reference', async () => {
    const report = reportOf(total());
    console.info(
      `${report.exchanges} exchanges compared, ${report.meant.flat().length} places differ as meant, ` +
        `${report.open.length} differ openly`,
    );
    await expect(pageOf(report, SCENARIOS.length, '21.4')).toMatchFileSnapshot(PAGE);
  });
});

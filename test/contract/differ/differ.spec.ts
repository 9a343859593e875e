// The same requests to Debian's Ironic and to the daemon as it is shipped: every difference is one that is meant, and every
// answer of the daemon's is as its OpenAPI document says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnswerCheck, startAnswerCheck } from '../../support/answer-check.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { type IronicPeer, startIronicPeer } from '../../support/peer/ironic.js';
import { reportOf } from '../compare/report.js';
import { MEANT } from './meant/meant.js';
import { faultsOf, isDocumented, prepare } from './newer/check.js';
import { PREPARATION } from './newer/machine.js';
import { NEWER } from './newer/rows.js';
import { openLines, pageOf } from './report.js';
import { missed } from './route/coverage.js';
import { FERRIC_ROUTES, FOR_CLIENTS } from './route/ferric-routes.js';
import { IRONIC_ROUTES, type Route, templateOf } from './route/ironic-routes.js';
import { SWEEP } from './route/sweep.js';
import { empty, type Run, runScenario, type Server, total } from './run.js';
import { SCENARIOS } from './scenarios.js';
import { OURS, PEER } from './servers.js';

const PAGE = new URL('../../../docs/reference/ironic-differences.md', import.meta.url).pathname;

let peer: IronicPeer;
let home: DaemonHome;
let daemon: RunningDaemon;
/** Every answer of the daemon's passes it. */
let check: AnswerCheck;
let ours: Server;
/** By scenario: one that is tried again counts once. */
const runs = new Map<string, Run>();

beforeAll(async () => {
  home = new DaemonHome(OURS);
  [peer, daemon] = await Promise.all([startIronicPeer({ config: PEER }), home.start()]);
  check = await startAnswerCheck(daemon.url);
  ours = { url: check.url, agentUrl: daemon.agentUrl };
});
afterAll(async () => {
  await check?.stop();
  await Promise.all([peer?.stop(), home?.remove()]);
});

describe('Ferric beside Debian’s Ironic', () => {
  const theirs = (): Server => ({ url: peer.endpoint, agentUrl: peer.endpoint });

  it.each([...SCENARIOS, ...SWEEP])(
    '$name',
    async (scenario) => {
      const run = await runScenario(scenario, theirs(), ours);
      runs.set(scenario.name, run);
      expect(openLines(reportOf(run.findings, MEANT))).toEqual([]);
    },
    600_000,
  );

  it('has no row among the meant differences that nothing matches', () => {
    expect(reportOf(total(runs.values()).findings, MEANT).unused).toEqual([]);
  });

  it('was asked by a scenario for everything that there is up to 1.82', () => {
    const asked = SCENARIOS.flatMap(({ name }) => runs.get(name)!.asked);
    expect(missed(FERRIC_ROUTES, asked)).toEqual([]);
    expect(missed(IRONIC_ROUTES, asked)).toEqual([]);
  });
});

describe('Ferric beyond Debian’s Ironic', () => {
  beforeAll(() => prepare(ours.url, PREPARATION));
  afterAll(() => empty(ours.url, 'latest'));

  it.each(NEWER)('has $name from 1.$since on', async (row) => {
    expect(await faultsOf(row, ours.url, ours.agentUrl)).toEqual([]);
    if (!row.documented) return;
    const inDocument = (version: number) => isDocumented(ours.url, row.documented!, version);
    expect([await inDocument(row.since - 1), await inDocument(row.since)]).toEqual([false, true]);
  });

  it('has every route of Ironic, from its first version on, and no other but what clients ask for', () => {
    const named = ({ method, path, since }: Route) => `${method} ${templateOf(path)} 1.${since}`;
    const theirs = new Set([...IRONIC_ROUTES.map(named), ...FOR_CLIENTS]);
    expect([...new Set(FERRIC_ROUTES.map(named))].toSorted()).toEqual([...theirs].toSorted());
  });
});

it('answers as its OpenAPI document says', () => {
  expect(check.answers()).toBeGreaterThan(total(runs.values()).exchanges);
  expect(check.faults()).toEqual([]);
});

it('has its counts in the reference', async () => {
  const { exchanges, findings } = total(runs.values());
  const report = reportOf(findings, MEANT);
  console.info(
    `${exchanges} exchanges compared, ${report.meant.flat().length} places differ as meant, ` +
      `${report.open.length} differ openly; ${NEWER.length} checks of what came after 1.82`,
  );
  const counts = { exchanges, scenarios: SCENARIOS.length, sweeps: SWEEP.length, newer: NEWER };
  await expect(pageOf(report, counts, '21.4')).toMatchFileSnapshot(PAGE);
});

// The same requests to Debian's glance-api and to the Image service inside: every difference is one that is meant.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { type Glance, startGlance } from '../../support/glance.js';
import { reportOf } from '../compare/report.js';
import { openLines } from '../differ/report.js';
import { type Run, total } from '../differ/run.js';
import { MEANT } from './meant.js';
import { pageOf } from './page.js';
import { runScenario } from './run.js';
import { DATA } from './scenario/data.js';
import { LISTINGS } from './scenario/listing.js';
import { RECORDS } from './scenario/record.js';

const PAGE = new URL('../../../docs/reference/glance-differences.md', import.meta.url).pathname;
const SCENARIOS = [...RECORDS, ...LISTINGS, ...DATA];

let glance: Glance;
let home: DaemonHome;
let daemon: RunningDaemon;
/** By scenario: one that is tried again counts once. */
const runs = new Map<string, Run>();

beforeAll(async () => {
  home = new DaemonHome({});
  // Without Keystone nobody has a role; who may do what is no matter of this comparison.
  [glance, daemon] = await Promise.all([startGlance({ publicize_image: '' }), home.start()]);
});
afterAll(async () => {
  await Promise.all([glance?.stop(), home?.remove()]);
});

describe('the Image service beside Debian’s glance-api', () => {
  it.each(SCENARIOS)('$name', async (scenario) => {
    const run = await runScenario(scenario, glance.url, daemon.url);
    runs.set(scenario.name, run);
    expect(openLines(reportOf(run.findings, MEANT))).toEqual([]);
  });

  it('has no row among the meant differences that nothing matches', () => {
    expect(reportOf(total(runs.values()).findings, MEANT).unused).toEqual([]);
  });

  it('has its counts in the reference', async () => {
    const run = total(runs.values());
    const report = reportOf(run.findings, MEANT);
    console.info(
      `${run.exchanges} exchanges compared, ${report.meant.flat().length} places differ as meant, ${report.open.length} differ openly`,
    );
    await expect(pageOf(report, run, SCENARIOS.length, '25.1')).toMatchFileSnapshot(PAGE);
  });
});

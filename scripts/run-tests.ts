import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers } from './leftover.js';
import { failedFiles, readTier, sumLine, type TierResult, tierLine, withRerun } from './test-tier.js';

// Runs the static checks, then the tiers of tests, the quick ones first. The last line is `N passed, N failed`.
// Usage: run-tests.js [--tier unit]... [--skip-checks]

/** npm scripts that must pass before any test. The rows run in parallel: the first takes as long as all the rest. */
const CHECKS = [['lint'], ['typecheck', 'format:check', 'rooms', 'unused', 'docs:check']];

/** Time limit of a tier, minutes. */
const TIERS = { unit: 6, component: 35, contract: 30, e2e: 40, interop: 60, images: 75 } as const;
/** Time limit of everything, minutes, so that this program ends a CI job before CI does. */
const ALL = 80;
type Tier = keyof typeof TIERS;
/** The tier whose files share processes. One that fails runs once more in a process of its own, which is told. */
const SHARED: Tier = 'component';
/** Failed files that run once more; more of them are no matter of the company that they had. */
const MOST_ALONE = 5;
/** Tiers that run when none is named. */
const USUAL: readonly Tier[] = ['unit', 'component', 'contract', 'e2e'];

const { values: options } = parseArgs({
  options: {
    tier: { type: 'string', multiple: true, default: [...USUAL] },
    'skip-checks': { type: 'boolean', default: false },
  },
});
const unknown = options.tier.filter((name) => !Object.hasOwn(TIERS, name));
if (unknown.length > 0) {
  console.error(`run-tests: no tier ${unknown.join(', ')}; there are ${Object.keys(TIERS).join(', ')}`);
  process.exit(2);
}

const reports = resolve('var/test');
mkdirSync(reports, { recursive: true });
// Every process that a test starts has this path in its environment, arguments or working directory.
const scratch = mkdtempSync(join(tmpdir(), 'ferric-test-'));
chmodSync(scratch, 0o755); // the database server runs under another account
const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const { pid } of running) if (pid !== undefined) endGroup(pid, 'SIGINT');
    void endLeftovers(scratch, 5_000).then(() => {
      rmSync(scratch, { recursive: true, force: true });
      process.exit(130);
    });
  });
}

function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * @param hear is called with the output; without it the output is passed through
 * @returns the exit status; null when a signal or the deadline ended it
 */
async function run(
  file: string,
  args: readonly string[],
  minutes: number,
  hear?: (text: string) => void,
): Promise<number | null> {
  const output = hear ? 'pipe' : 'inherit';
  // A process group of its own, so that a hanging tier is ended with everything it started.
  const child = spawn(file, args, {
    stdio: ['ignore', output, output],
    detached: true,
    env: { ...process.env, TMPDIR: scratch },
  });
  running.add(child);
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', hear!);
  const ended = new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once(hear ? 'close' : 'exit', done);
  });
  const limit = Math.min(minutes, ALL - performance.now() / 60_000);
  const deadline = setTimeout(
    () => {
      console.error(`run-tests: not at its end after ${limit.toFixed(1)} minutes`);
      endGroup(child.pid!, 'SIGKILL');
    },
    Math.max(0, limit * 60_000),
  );
  try {
    return await ended;
  } finally {
    clearTimeout(deadline);
    running.delete(child);
  }
}

async function runTier(tier: Tier, lines: string[]): Promise<TierResult> {
  const { report, result } = await runVitest(tier, `${tier}.json`, []);
  if (tier !== SHARED || report === null || result.failed === 0) return result;
  const { files, passed } = failedFiles(report);
  if (files.length === 0 || files.length > MOST_ALONE) return result;
  title(`${tier} tests that failed, alone`);
  const again = await runVitest(tier, `${tier}-alone.json`, ['--isolate', ...files]);
  const words =
    again.result.failed === 0 ? 'and passed alone: something of another file was left' : 'and alone';
  lines.push(...files.map((path) => `${tier}: ${relative('.', path)} failed beside others ${words}`));
  return withRerun(result, passed, again.result);
}

/** @param more arguments of vitest */
async function runVitest(
  tier: Tier,
  name: string,
  more: readonly string[],
): Promise<{ report: string | null; result: TierResult }> {
  const file = join(reports, name);
  rmSync(file, { force: true });
  const vitest = resolve('node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--project', tier, '--reporter=default', '--reporter=json'];
  const exit = await run(process.execPath, [...args, `--outputFile.json=${file}`, ...more], TIERS[tier]);
  let report: string | null = null;
  try {
    report = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { report, result: readTier(tier, report, exit) };
}

const title = (text: string) => console.log(`\n==> ${text}`);
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs the rows in parallel; the output of a check is printed in one piece. @returns the name of a failed one */
async function failedCheck(): Promise<string | null> {
  let failed: string | null = null;
  const inTurn = async (row: readonly string[]) => {
    for (const check of row) {
      if (failed !== null) return;
      let text = '';
      const status = await run('npm', ['run', '--silent', check], 5, (part) => (text += part));
      title(check);
      process.stdout.write(text);
      if (status !== 0) failed ??= check;
    }
  };
  await Promise.all(CHECKS.map(inTurn));
  return failed;
}

async function main(): Promise<number> {
  const lines: string[] = [];
  if (!options['skip-checks']) {
    const since = performance.now();
    const failed = await failedCheck();
    if (failed !== null) {
      console.log(`\nchecks: ${failed} failed; no test was run`);
      return 1;
    }
    lines.push(`checks: ${CHECKS.flat().join(', ')} passed in ${seconds(since)}`);
  }
  const results: TierResult[] = [];
  for (const tier of Object.keys(TIERS) as Tier[]) {
    if (!options.tier.includes(tier)) continue;
    title(`${tier} tests`);
    const since = performance.now();
    const result = await runTier(tier, lines);
    results.push(result);
    lines.push(`${tierLine(result)} in ${seconds(since)}`);
    const left = await endLeftovers(scratch, 5_000);
    for (const process of left) lines.push(`${tier} left a process behind, ended now: ${process}`);
    if (left.length > 0) result.failed += 1;
  }
  console.log(`\n${lines.join('\n')}`);
  console.log(sumLine(results));
  return results.some((result) => result.failed > 0) ? 1 : 0;
}

const status = await main();
rmSync(scratch, { recursive: true, force: true });
process.exitCode = status;

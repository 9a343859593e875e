import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';

// Runs every built bench/<name>-bench.ts, one after another; with names, only those. Each has a time limit.
// SIGINT and SIGTERM end the running bench, which removes what it made, and then this program.
// Usage: run-benches.js [NAME]...
const LIMIT = 20 * 60_000;
/** Time for a bench to remove what it made after SIGTERM, ms. */
const GRACE = 60_000;

const folder = join(import.meta.dirname, '../bench');
const found = readdirSync(folder)
  .map((file) => /^(.+)-bench\.js$/.exec(file)?.[1])
  .filter((name) => name !== undefined)
  .sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !found.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no ${unknown.join(', ')}; there are ${found.join(', ')}`);
  process.exit(2);
}

let running: ChildProcess | undefined;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    running?.kill('SIGTERM');
  });
}

/** @returns the failure, or null on success */
function run(file: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    // A process group of its own: Ctrl-C reaches only this program, which forwards it once.
    const child = spawn(process.execPath, [file], {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    running = child;
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
      force = setTimeout(() => child.kill('SIGKILL'), GRACE);
    }, LIMIT);
    let force: NodeJS.Timeout | undefined;
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      clearTimeout(limit);
      clearTimeout(force);
      running = undefined;
      resolve(
        late
          ? `not done within ${LIMIT / 60_000} minutes`
          : status === 0
            ? null
            : `${signal ?? `exit ${status}`}`,
      );
    });
  });
}

const failed: string[] = [];
for (const name of wanted.length > 0 ? wanted : found) {
  if (interrupted) break;
  console.log(`\n==> ${name} (load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors)`);
  const fault = await run(join(folder, `${name}-bench.js`));
  if (fault !== null) failed.push(`${name} (${fault})`);
}
if (failed.length > 0) console.error(`\nbench: failed: ${failed.join(', ')}`);
process.exitCode = interrupted ? 130 : failed.length > 0 ? 1 : 0;

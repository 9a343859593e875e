import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// Runs every bench/<name>-bench.ts that was built, one after another; with names, only those.
// Usage: run-benches.js [NAME]...
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

function run(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status === 0));
  });
}

const failed: string[] = [];
for (const name of wanted.length > 0 ? wanted : found) {
  console.log(`\n==> ${name}`);
  if (!(await run(join(folder, `${name}-bench.js`)))) failed.push(name);
}
if (failed.length > 0) console.error(`\nbench: failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

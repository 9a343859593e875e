import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';

// `npm run check`: every static check and the unit tests, two at a time, each with its seconds. The first failure ends
// the
// run and prints its output. `--changed`: only what differs from the branch `main` (or from the commit that follows
// it).

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const step = (name: string, ...command: readonly string[]): Step => ({ name, command });
const script = (name: string): Step => step(name, 'npm', 'run', '-s', name);

/** Two lanes that run in parallel; steps that fail most often come first. */
const WHOLE: readonly (readonly Step[])[] = [
  [script('typecheck'), script('test:unit'), script('docs:check')],
  [script('format:check'), script('lint'), script('rooms'), script('unused')],
];

const CODE = /\.(ts|js|cjs|mjs)$/;
const LINTED = /\.ts$/;
const FORMATTED = /\.(ts|js|cjs|mjs|json|css)$/;

async function ofChanges(since: string): Promise<readonly (readonly Step[])[]> {
  const files = await changedFiles(since);
  if (files.length === 0) return [];
  const linted = files.filter((path) => LINTED.test(path));
  const formatted = files.filter((path) => FORMATTED.test(path));
  const code = files.filter((path) => CODE.test(path));
  const some = (list: readonly string[], of: (list: readonly string[]) => Step) =>
    list.length > 0 ? [of(list)] : [];
  return [
    [
      ...some(code, () => script('typecheck')),
      ...some(code, (paths) =>
        step('test:unit', 'npx', 'vitest', 'related', '--run', '--project', 'unit', ...paths),
      ),
    ],
    [
      ...some(formatted, (paths) =>
        step('format:check', 'npx', 'biome', 'check', '--no-errors-on-unmatched', ...paths),
      ),
      ...some(linted, (paths) => step('lint', 'npx', 'eslint', '--pass-on-unpruned-suppressions', ...paths)),
      ...some(code, () => script('rooms')),
    ],
  ];
}

/** Files that differ from a commit: committed, staged, unstaged and new ones, without deleted ones. */
async function changedFiles(since: string): Promise<string[]> {
  const base = (await run(step('git', 'git', 'merge-base', 'HEAD', since))).trim();
  const lists = await Promise.all([
    run(step('git', 'git', 'diff', '--name-only', '--diff-filter=d', base)),
    run(step('git', 'git', 'ls-files', '--others', '--exclude-standard')),
  ]);
  return [...new Set(lists.flatMap((text) => text.split('\n').filter((line) => line !== '')))].toSorted();
}

class StepFailed extends Error {
  readonly step: Step;
  readonly output: string;
  constructor(step: Step, output: string) {
    super(`${step.name} failed`);
    this.step = step;
    this.output = output;
  }
}

const stop = new AbortController();

/** @returns its output @throws StepFailed */
function run(of: Step): Promise<string> {
  const [file = '', ...args] = of.command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
      detached: true,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part;
      });
    // npm does not forward a signal to its children: the whole process group is ended.
    const end = () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    };
    stop.signal.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      stop.signal.removeEventListener('abort', end);
      if (code === 0) resolve(output);
      else reject(new StepFailed(of, output));
    });
  });
}

async function lane(steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    if (stop.signal.aborted) return;
    const began = performance.now();
    const output = await run(one);
    const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${one.name}${told(output)}`);
  }
}

/** The last line that a step marks with `» ` for display, such as the count of lint exceptions. */
function told(output: string): string {
  const line = output.split('\n').findLast((text) => text.startsWith('» '));
  return line === undefined ? '' : `  ${line.slice(2)}`;
}

const [, , mode, since = 'main'] = process.argv;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    process.exit(130);
  });
}
const began = performance.now();
try {
  await Promise.all((mode === '--changed' ? await ofChanges(since) : WHOLE).map(lane));
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
  console.log(`${seconds} s  in all, at load ${loadavg()[0]?.toFixed(1)}`);
} catch (error) {
  stop.abort();
  if (!(error instanceof StepFailed)) throw error;
  console.error(`${error.output}\ncheck: ${error.message}: ${error.step.command.slice(0, 8).join(' ')}`);
  process.exit(1);
}

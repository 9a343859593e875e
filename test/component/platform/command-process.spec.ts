import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { CommandProcess } from '../../../src/platform/command-process.js';
import { throwOnce } from '../../support/faults/throw-once.js';

const BUILT = new URL('../../../dist/src/platform/command-process.js', import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'ferric-commands-'));
const program = join(directory, 'program.mjs');

beforeAll(() => {
  if (!existsSync(BUILT)) throw new Error('the daemon is not built: npm run build');
  writeFileSync(
    program,
    `import { CommandProcess } from ${JSON.stringify(BUILT.href)};
     setInterval(() => undefined, 1_000);
     const commands = new CommandProcess();
     await commands.run({ file: 'true', args: [], timeout: 5_000 });
     void commands.run({ file: 'sleep', args: ['3141'], timeout: 60_000 });`,
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** Processes below `pid` that still run. */
function below(pid: number): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(
      (entry) =>
        /^\d+$/.test(entry) && read(`/proc/${entry}/stat`).match(/.*\) \S+ (\d+)/s)?.[1] === String(pid),
    )
    .map((entry) => ({ pid: Number(entry), command: read(`/proc/${entry}/cmdline`).replaceAll('\0', ' ') }));
}

it('programs, and the process that starts them, end with a daemon that was killed, and not by its signals', async () => {
  const daemon = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit'] });
  const server = await vi.waitUntil(
    () => below(daemon.pid!).find((one) => one.command.includes('command-server')),
    5_000,
  );
  const sleeper = await vi.waitUntil(
    () => below(server.pid).find((one) => one.command.includes('3141')),
    5_000,
  );
  // A service manager that stops the daemon signals all of its processes.
  process.kill(server.pid, 'SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(read(`/proc/${sleeper.pid}/cmdline`)).toContain('3141');

  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  const lives = (pid: number) => /State:\s+[^ZX]/.test(read(`/proc/${pid}/status`));
  await vi.waitUntil(() => !lives(sleeper.pid) && !lives(server.pid), 5_000);
});

it('a process that does not end is killed, although the timer of that throws', async () => {
  const servers = () => below(process.pid).filter(({ command }) => command.includes('command-server'));
  const before = servers().map(({ pid }) => pid);
  const commands = new CommandProcess();
  await commands.run({ file: 'true', args: [], timeout: 5_000 });
  const server = servers().find(({ pid }) => !before.includes(pid))!;
  process.kill(server.pid, 'SIGSTOP'); // it does not hear that it is to end
  const { thrown } = throwOnce('command process');
  await commands.close();
  expect(thrown()).toBe(true);
  expect(read(`/proc/${server.pid}/cmdline`)).toBe('');
});

import { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CommandProcess } from '../../../src/platform/command-process.js';
import { CommandError, lockOpenFile, runCommand } from '../../../src/platform/run-command.js';
import { throwOnce } from '../../support/faults/throw-once.js';

const beside = new CommandProcess();
afterAll(() => beside.close());

describe.each([
  ['runCommand', runCommand],
  ['CommandProcess.run', (command: Parameters<typeof runCommand>[0]) => beside.run(command)],
])('%s', (_name, run) => {
  const sh = (script: string, extra: object = {}) =>
    run({ file: 'sh', args: ['-c', script], timeout: 5_000, ...extra });

  it('returns both streams and passes arguments without a shell', async () => {
    const result = await run({ file: 'printf', args: ['%s', '$(id);`id`'], timeout: 5_000 });
    expect(result).toMatchObject({ exitCode: 0, stdout: '$(id);`id`', stderr: '' });
  });

  it('gives the child nothing of the daemon environment', async () => {
    process.env.FERRIC_CANARY = 'canary';
    const result = await sh('echo "[$FERRIC_CANARY][$GIVEN]"', { env: { GIVEN: 'yes' } });
    delete process.env.FERRIC_CANARY;
    expect(result.stdout).toBe('[][yes]\n');
  });

  it.each([
    ['exit 3', {}, 'exit'],
    ['sleep 30', { timeout: 100 }, 'timeout'],
    ['yes', { maxOutput: 1_000 }, 'output'],
    ['kill -9 $$', {}, 'signal'],
  ])('%s is a typed failure', async (script, extra, fault) => {
    await expect(sh(script, extra)).rejects.toSatisfy((e) => e instanceof CommandError && e.fault === fault);
  });

  it('names a missing program', async () => {
    await expect(run({ file: 'no-such-program', args: [], timeout: 1_000 })).rejects.toThrow(
      'no-such-program: is not installed',
    );
  });

  it('ends the child when the signal fires', async () => {
    const abort = new AbortController();
    const running = sh('sleep 30', { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('a process that is closed cancels what it runs and takes nothing more', async () => {
  const closing = new CommandProcess();
  const running = closing.run({ file: 'sleep', args: ['30'], timeout: 60_000 });
  const cancelled = expect(running).rejects.toMatchObject({ code: 'cancelled' });
  await closing.close();
  await cancelled;
  await expect(closing.run({ file: 'true', args: [], timeout: 1_000 })).rejects.toMatchObject({
    code: 'cancelled',
  });
});

it('a reply that cannot be handled fails its command, and the next one runs', async () => {
  const { thrown } = throwOnce('command process');
  const process = new CommandProcess();
  await expect(process.run({ file: 'true', args: [], timeout: 1_000 })).rejects.toMatchObject({
    code: 'internal',
    message: 'a fault on purpose: command process',
  });
  expect(thrown()).toBe(true);
  await process.run({ file: 'true', args: [], timeout: 1_000 });
  await process.close();
});

it('a fault at the exit of a program with an open file fails whoever waits for it', async () => {
  const { thrown } = throwOnce('a program with an open file');
  const file = openSync(new URL(import.meta.url), 'r');
  await expect(lockOpenFile(file)).rejects.toThrow('flock: ended with a fault on purpose');
  expect(thrown()).toBe(true);
  expect(await lockOpenFile(file)).toBe(true);
  closeSync(file);
});

it.each(['command: deadline', 'command: cancel', 'command: end'])(
  'a fault in “%s” leaves no program running',
  async (owner) => {
    const { thrown } = throwOnce(owner);
    const stop = new AbortController();
    const stubborn = 'trap "" TERM; while :; do sleep 0.1; done';
    const running = runCommand({
      file: 'sh',
      args: ['-c', stubborn],
      timeout: owner === 'command: cancel' ? 60_000 : 200,
      signal: stop.signal,
    });
    if (owner === 'command: cancel') setTimeout(() => stop.abort(), 200);
    await expect(running).rejects.toThrow(/./);
    expect(thrown()).toBe(true);
  },
);

it('a fault in a command’s cancellation ends the wait for it', async () => {
  const process = new CommandProcess();
  await process.run({ file: 'true', args: [], timeout: 1_000 });
  const { thrown } = throwOnce('command process');
  const stop = new AbortController();
  const running = process.run({ file: 'sleep', args: ['1'], timeout: 2_000, signal: stop.signal });
  stop.abort();
  await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  expect(thrown()).toBe(true);
  await process.close();
});

it('a fault in hearing that the process cannot be used fails its commands, and the next has another', async () => {
  const { thrown } = throwOnce('command process', 2); // after the answer of the first command
  const spawn = vi.spyOn(ChildProcess.prototype as ChildProcess & { spawn(): void }, 'spawn');
  const process = new CommandProcess();
  await process.run({ file: 'true', args: [], timeout: 1_000 });
  const [first] = spawn.mock.contexts as ChildProcess[];
  spawn.mockRestore();
  const running = process.run({ file: 'sleep', args: ['5'], timeout: 9_000 });
  first!.emit('error', new Error('EPERM'));
  await expect(running).rejects.toMatchObject({ code: 'internal' });
  expect(thrown()).toBe(true);
  await process.run({ file: 'true', args: [], timeout: 1_000 });
  first!.disconnect();
  await process.close();
});

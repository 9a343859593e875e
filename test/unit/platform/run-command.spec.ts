import { describe, expect, it } from 'vitest';
import { CommandError, runCommand } from '../../../src/platform/run-command.js';

const sh = (script: string, extra: object = {}) =>
  runCommand({ file: 'sh', args: ['-c', script], timeout: 5_000, ...extra });

describe('runCommand', () => {
  it('returns both streams and passes arguments without a shell', async () => {
    const result = await runCommand({ file: 'printf', args: ['%s', '$(id);`id`'], timeout: 5_000 });
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
    await expect(runCommand({ file: 'no-such-program', args: [], timeout: 1_000 })).rejects.toThrow(
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

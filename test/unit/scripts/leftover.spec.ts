import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endLeftovers } from '../../../scripts/leftover.js';

let mark: string;
beforeEach(() => {
  mark = mkdtempSync(join(tmpdir(), 'ferric-mark-'));
});
afterEach(() => rmdirSync(mark));

/** A process that would live for a minute; resolves with the signal that ended it. */
function sleeper(args: string[], options: object) {
  const child = spawn('sleep', args, { stdio: 'ignore', ...options });
  return {
    pid: child.pid!,
    ended: new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal))),
  };
}

describe('processes left behind', () => {
  it('are ended, found by environment or by working directory', async () => {
    const byEnvironment = sleeper(['60'], { env: { PATH: '/usr/bin:/bin', TMPDIR: mark } });
    const byDirectory = sleeper(['60'], { env: { PATH: '/usr/bin:/bin' }, cwd: mark });
    const left = await endLeftovers(mark, 0);
    expect(left.sort()).toEqual([byEnvironment.pid, byDirectory.pid].map((pid) => `${pid} sleep 60`).sort());
    expect(await Promise.all([byEnvironment.ended, byDirectory.ended])).toEqual(['SIGKILL', 'SIGKILL']);
  });

  it('are none where they end in time, and nobody else is touched', async () => {
    const stranger = sleeper(['60'], { env: { PATH: '/usr/bin:/bin' } });
    const quick = sleeper(['0.2'], { env: { PATH: '/usr/bin:/bin', TMPDIR: mark } });
    expect(await endLeftovers(mark, 5_000)).toEqual([]);
    expect(await quick.ended).toBeNull();
    process.kill(stranger.pid, 'SIGTERM');
    expect(await stranger.ended).toBe('SIGTERM');
  });
});

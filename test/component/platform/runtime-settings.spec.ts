import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BUILT = new URL('../../../dist/src/platform/runtime-settings.js', import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'ferric-settings-'));
const program = join(directory, 'program.mjs');

beforeAll(() => {
  if (!existsSync(BUILT)) throw new Error('the daemon is not built: npm run build');
  writeFileSync(
    program,
    `import { settleRuntime } from ${JSON.stringify(BUILT.href)};
     settleRuntime(process.env);
     const { pid, execArgv, argv, env } = process;
     console.log(JSON.stringify({ pid, execArgv, argv: argv.slice(2), env }));`,
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

async function run(flags: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [...flags, program, '--config', 'a file'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  expect(err).toBe('');
  return { spawned: child.pid, ...(JSON.parse(out) as Record<string, unknown>) };
}

describe('a daemon that is started without its memory settings', () => {
  it('starts itself anew with them: same process, same arguments, no word about it', async () => {
    const seen = await run(['--no-deprecation'], { FERRIC_LOG__LEVEL: 'info' });
    expect(seen).toMatchObject({
      pid: seen.spawned,
      execArgv: ['--no-deprecation', '--max-semi-space-size=8', '--max-old-space-size=1024'],
      argv: ['--config', 'a file'],
      env: { FERRIC_LOG__LEVEL: 'info', MALLOC_ARENA_MAX: '2' },
    });
  });

  it('stays as it is when they are there', async () => {
    const flags = ['--max-semi-space-size=4', '--max-old-space-size=512'];
    expect(await run(flags, { MALLOC_ARENA_MAX: '3' })).toMatchObject({
      execArgv: flags,
      env: { MALLOC_ARENA_MAX: '3' },
    });
  });
});

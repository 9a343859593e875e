import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const PROGRAM = new URL('../../../dist/cli/main.js', import.meta.url).pathname;

it('a reader that has had enough ends a command without a word', async () => {
  for (const args of [['--help'], ['image', '--help'], ['node', 'list']]) {
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [said] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect([args, said.includes('EPIPE'), said.includes('    at ')]).toEqual([args, false, false]);
  }
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { listenOnSocket } from '../../../src/platform/unix-socket.js';
import { throwOnce } from '../../support/faults/throw-once.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferric-socket-'));
  path = join(directory, 'api.socket');
});
afterEach(() => rm(directory, { recursive: true }));

it.each([
  ['', ''],
  [', though the handler that hears of it throws', 'a Unix socket that is there'],
])('a socket that is served is refused%s', async (_, owner) => {
  await using held = createServer();
  await listenOnSocket(held, path);
  const { thrown } = throwOnce(owner);
  await expect(listenOnSocket(createServer(), path)).rejects.toThrow('Somebody listens on');
  expect(thrown()).toBe(owner !== '');
});

it.each([
  ['', ''],
  [', though the handler that hears of it throws', 'a Unix socket that is there'],
])('one that is left over is replaced%s', async (_, owner) => {
  const left = spawn(process.execPath, [
    '-e',
    `net.createServer().listen(process.argv[1], () => process.exit())`,
    path,
  ]);
  await once(left, 'exit');
  const { thrown } = throwOnce(owner);
  await using server = createServer();
  await listenOnSocket(server, path);
  expect(thrown()).toBe(owner !== '');
  const socket = connect(path);
  await once(socket, 'connect');
  socket.destroy();
});

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { download } from '../../../src/image/fetch/download.js';
import { throwOnce } from '../../support/faults/throw-once.js';
import { noise, sha256 } from '../../support/image-service.js';

const body = noise(100_000);
let directory: string;
let server: Server;
let answer: (response: ServerResponse, turn: number) => void;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferric-download-'));
  let turn = 0;
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': body.length }).flushHeaders();
    answer(response, turn++);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

/** In this thread; the daemon downloads in another. */
function fetchIt() {
  const { port } = server.address() as AddressInfo;
  const job = {
    ...({
      kind: 'download',
      url: `http://127.0.0.1:${port}/image`,
      target: join(directory, 'image'),
    } as const),
    ...{ size: undefined, maxBytes: 1_000_000, algorithms: ['sha256'], attempts: 2, pause: 10 },
    ...{ minRate: 1_000, timeout: 60_000, client: { connectTimeout: 1_000, idleTimeout: 300 } },
  };
  return download(job, AbortSignal.timeout(30_000), () => undefined);
}

/** Never silent for as long as the client's `idleTimeout`. */
const drip = (response: ServerResponse) => {
  const drops = setInterval(() => response.write('x'), 50);
  response.once('close', () => clearInterval(drops));
};
const connections = () =>
  new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));

it.each<[string, string, (response: ServerResponse) => void]>([
  ['bytes that arrive', 'download: body', (response) => response.end(body)],
  ['a cut', 'download: body', (response) => setTimeout(() => response.destroy(), 50)],
  ['a rate that is too low', 'download: rate', drip],
])('a fault in hearing of %s fails that download, and the next is served', async (_, owner, first) => {
  answer = (response, turn) => (turn === 0 ? first(response) : response.end(body));
  const { thrown } = throwOnce(owner);
  await expect(fetchIt()).rejects.toThrow(`a fault on purpose: ${owner}`);
  expect(thrown()).toBe(true);
  await expect.poll(connections).toBe(0);
  expect((await fetchIt()).digests['sha256']).toBe(sha256(body).value);
});

it('a fault at the close of a connection that was cut changes nothing: the rest is asked for', async () => {
  answer = (response, turn) => (turn === 0 ? setTimeout(() => response.destroy(), 50) : response.end(body));
  const { thrown } = throwOnce('download: body', 2); // after that of the error
  expect((await fetchIt()).digests['sha256']).toBe(sha256(body).value);
  expect(thrown()).toBe(true);
});

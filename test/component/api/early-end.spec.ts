import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

const home = new DaemonHome({ log: { level: 'debug' } });
let daemon: RunningDaemon;
beforeAll(async () => {
  daemon = await home.start();
});
afterAll(() => home.remove());

const JSON_BODY = 'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":';
const REQUESTS = [
  `POST /v1/heartbeat/aa HTTP/1.1\r\nHost: x\r\n${JSON_BODY}`,
  `POST /v1/continue_inspection HTTP/1.1\r\nHost: x\r\n${JSON_BODY}`,
  `POST /v1/continue_inspection HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\n{`,
  'POST /v1/continue_inspection HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n',
  'GET /v1/lookup?addresses=aa:bb:cc:dd:ee:ff HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20),
  'GET /v1/lookup?addr',
  'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  `POST /v1/nodes HTTP/1.1\r\nHost: x\r\n${JSON_BODY}`,
  'PUT /v2/images/aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa/file HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\nx',
  'GET /v1/events/stream HTTP/1.1\r\nHost: x\r\n\r\n',
];

/** Sends and is gone: at once or a little later, in order or by a reset. */
async function hangUp(port: number, request: string, wait: number, reset: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(request.replaceAll('Host: x', `Host: 127.0.0.1:${port}`));
  if (wait > 0) await sleep(wait);
  else await new Promise((resolve) => setImmediate(resolve));
  if (reset) socket.resetAndDestroy();
  else socket.destroy();
}

it('clients that hang up early are quiet lines on every listener, without an error or a stack', async () => {
  for (const url of [daemon.agentUrl, daemon.url]) {
    const port = Number(new URL(url).port);
    // One source may hold 64 connections.
    for (const reset of [true, false, true, false]) {
      const waits = [0, 1, 3, 20];
      await Promise.all(REQUESTS.flatMap((text) => waits.map((wait) => hangUp(port, text, wait, reset))));
    }
  }
  await sleep(500);
  const log = daemon.log();
  expect(log).toContain('a client hung up');
  expect(log.split('\n').filter((line) => /"level":"(warn|error)"|"stack"|TypeError/.test(line))).toEqual([]);
  expect((await fetch(`${daemon.url}/v1/nodes`)).status).toBe(200);
});

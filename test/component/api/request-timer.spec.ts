import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Post, Put } from '@nestjs/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NoAuth } from '../../../src/api/auth/access.js';
import { Policy } from '../../../src/api/auth/policy.js';
import { type ApiListener, createListener } from '../../../src/api/listener.js';
import { Since } from '../../../src/api/microversion/since.js';
import { silentLog } from '../../support/database.js';

const TIMEOUT = 300;

@Controller()
class Taking {
  @Post('v1/things')
  @Since(1)
  @Policy('public')
  take() {
    return { taken: true };
  }

  @Put('v2/images/:id/file')
  @Since(1)
  @Policy('public')
  stream() {
    return { streamed: true };
  }
}

let listener: ApiListener;
let port: number;
beforeAll(async () => {
  listener = await createListener(
    { module: class {}, controllers: [Taking] },
    {
      access: new NoAuth(),
      log: silentLog,
      name: 'api',
      publicEndpoint: null,
      maxBodyBytes: 1024,
      requestTimeout: TIMEOUT,
    },
  );
  ({ port } = await listener.listen({ address: '127.0.0.1', port: 0 }));
});
afterAll(() => listener?.close());

const head = (line: string, type: string, length: number) =>
  `${line} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;

interface Talk {
  socket: Socket;
  heard: () => string;
  /** ms from the start to the end of the connection, null while it is open. */
  ended: () => number | null;
}

async function say(text: string): Promise<Talk> {
  const start = performance.now();
  let heard = '';
  let ended: number | null = null;
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('utf8').on('data', (part: string) => (heard += part));
  socket.on('error', () => {}).once('close', () => (ended = performance.now() - start));
  socket.write(text);
  return { socket, heard: () => heard, ended: () => ended };
}

it('cuts a request whose body does not come, and no other', async () => {
  const stalled = await say(`${head('POST /v1/things', 'application/json', 10)}{`);
  const unknown = await say(`${head('POST /v1/nothing', 'application/json', 10)}{`);
  const chunked = await say(
    `POST /v1/things HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`,
  );
  const whole = await say(`${head('POST /v1/things', 'application/json', 2)}{}`);
  const streamed = await say(`${head('PUT /v2/images/a/file', 'application/octet-stream', 10)}x`);
  await sleep(3 * TIMEOUT);
  for (const { ended } of [stalled, unknown, chunked]) {
    expect(ended()).toBeGreaterThanOrEqual(TIMEOUT - 20);
    expect(ended()).toBeLessThan(3 * TIMEOUT);
  }
  expect(stalled.heard()).toBe('');
  // Answered, its connection kept; bytes of images may take as long as they do.
  expect(whole.heard()).toContain('{"taken":true}');
  expect([whole.ended(), streamed.ended()]).toEqual([null, null]);
  for (const { socket } of [whole, streamed]) socket.destroy();
});

it('names the version in the refusal of a path that cannot be read, too', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/%ff`, {
    headers: { 'x-openstack-ironic-api-version': '1.50' },
  });
  expect([answer.status, answer.headers.get('x-openstack-ironic-api-version')]).toEqual([400, '1.50']);
});

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { inTurn, MOST_WAITING } from '../../../src/platform/in-turn.js';
import { throwOnce } from '../../support/faults/throw-once.js';

let server: Server;
let socket: Socket;
/** The server's end of `socket`. */
let served: Socket;

afterEach(() => {
  socket.destroy();
  server.closeAllConnections();
  server.close();
});

/** A server with this handler, and a connection to it. */
async function connected(handler: RequestListener): Promise<void> {
  server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.once('connection', (end) => {
    served = end;
  });
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
}

const asks = (path: string, method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${method === 'POST' ? 'Content-Length: 2\r\n' : ''}\r\n${method === 'POST' ? '{}' : ''}`;

const closed = () => new Promise((resolve) => socket.once('close', resolve));

async function received(until: string): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes(until)) return text;
  }
  return text;
}

describe('requests of one connection', () => {
  it('are answered one after another, in their order, changes included', async () => {
    let open = 0;
    let most = 0;
    const seen: string[] = [];
    await connected(
      inTurn('test', async (request, response) => {
        most = Math.max(most, ++open);
        request.resume();
        for (let turns = 0; turns < 10; turns++) await turn();
        seen.push(request.url ?? '');
        open--;
        response.end(`answer to ${request.url}`);
      }),
    );
    const paths = Array.from({ length: MOST_WAITING }, (_, index) => `/${index}`);
    socket.write(paths.map((path, index) => asks(path, index % 2 === 0 ? 'POST' : 'GET')).join(''));
    await received(`answer to ${paths.at(-1)}`);
    expect({ most, seen }).toEqual({ most: 1, seen: paths });
    // The connection serves further requests.
    socket.write(asks('/later'));
    expect(await received('answer to /later')).toContain('200 OK');
  });

  it('are cut where one sends many without waiting for an answer, and none of those that waited is begun', async () => {
    let begun = 0;
    await connected(
      inTurn('test', () => {
        begun++;
      }),
    );
    const over = closed();
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(asks('/').repeat(MOST_WAITING + 2));
    await over;
    expect(begun).toBe(1);
  });

  it('that wait are forgotten when their connection ends', async () => {
    const seen: string[] = [];
    const first = Promise.withResolvers<() => void>();
    await connected(
      inTurn('test', (request, response) => {
        seen.push(request.url ?? '');
        first.resolve(() => response.end('late'));
      }),
    );
    socket.write(asks('/first') + asks('/second'));
    const answer = await first.promise;
    const ended = once(served, 'close');
    socket.destroy();
    await ended;
    answer();
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(seen).toEqual(['/first']);
  });

  it('are not begun after an answer that closes the connection', async () => {
    const seen: string[] = [];
    await connected(
      inTurn('test', async (request, response) => {
        seen.push(request.url ?? '');
        await turn();
        response.setHeader('connection', 'close');
        response.end();
      }),
    );
    const over = closed();
    socket.resume();
    socket.write(asks('/first') + asks('/second'));
    await over;
    expect(seen).toEqual(['/first']);
  });

  it.each([
    ['one that arrives', 1, ['/second']],
    ['one that would wait', 3, ['/first']],
    ['one that has its turn', 2, []],
  ])('are cut, not left without an answer, when the handler of %s throws', async (_, call, others) => {
    const { thrown } = throwOnce('test', call);
    const seen: string[] = [];
    await connected(
      inTurn(
        'test',
        async (request, response) => {
          seen.push(request.url ?? '');
          await turn();
          response.end();
        },
        (_error, [request]) => request.destroy(),
      ),
    );
    const over = closed();
    socket.resume();
    socket.write(asks('/first') + asks('/second'));
    await over;
    expect(thrown()).toBe(true);
    expect(seen.filter((url) => !others.includes(url))).toEqual([]);
  });
});

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ferric } from '../../support/cli/command-line.js';

/** An address of this file's own: a port that is free for a second is not taken by another file. */
const HOST = '127.44.0.1';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(answer: RequestListener, port = 0): Promise<number> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(port, HOST);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const list: RequestListener = (_, response) => response.end('{"images": []}');
const at = (port: number, ...words: string[]) =>
  ferric([...words, '--endpoint', `http://${HOST}:${port}`], {}, new AbortController().signal, 5_000);

it('a daemon that is away for a moment is asked again, and that is said once', async () => {
  const port = await serve(list);
  servers.pop()!.close();
  const ended = at(port, 'image', 'list');
  setTimeout(() => void serve(list, port), 1_200);
  const { status, stderr } = await ended;
  expect(stderr.match(/ECONNREFUSED.*asked again for 5 s/g)).toHaveLength(1);
  expect(status).toBe(0);
});

it.each([
  ['cuts the connection', (_request, response) => response.destroy()],
  ['is away for the moment', (_request, response) => response.writeHead(503).end()],
] satisfies [string, RequestListener][])(
  'one that %s is asked again where that only reads',
  async (_, away) => {
    let turns = 0;
    const port = await serve((request, response) => (turns++ === 0 ? away : list)(request, response));
    expect(await at(port, 'image', 'list')).toMatchObject({ status: 0 });
    expect(turns).toBe(2);
    turns = 0;
    expect(await at(port, 'image', 'cache', 'prefetch', 'http://images.example.org/a')).toMatchObject({
      status: 6,
    });
    expect(turns).toBe(1);
  },
);

it('the time for retries ends', async () => {
  const port = await serve(list);
  servers.pop()!.close();
  const signal = new AbortController().signal;
  const { status, stderr } = await ferric(
    ['image', 'list', '--endpoint', `http://${HOST}:${port}`],
    {},
    signal,
    700,
  );
  expect([status, stderr]).toEqual([6, expect.stringContaining('ECONNREFUSED')]);
});

it.each([
  [
    'the API itself',
    { error_message: JSON.stringify({ faultcode: 'Client', faultstring: 'The key "a\\b" is no.' }) },
    'The key "a\\b" is no.',
  ],
  [
    'Ironic’s middleware',
    { error_message: JSON.stringify({ code: 400, title: 'Bad Request', description: 'Expected "x".' }) },
    'Expected "x".',
  ],
  ['an object in the place of its text', { error_message: { faultstring: 'Gone.' } }, 'Gone.'],
  ['what is no object', ['x'], '["x"]'],
])('the whole message of %s is shown, and nothing around it', async (_, body, said) => {
  const port = await serve((_request, response) => response.writeHead(400).end(JSON.stringify(body)));
  const { stderr } = await at(port, 'image', 'list');
  expect(stderr).toBe(`ferric: GET http://${HOST}:${port}/v2/images?limit=200: 400 ${said}\n`);
});

it('an error of the service commands no terminal', async () => {
  const port = await serve((_request, response) => response.writeHead(400).end('a\x1b[2Jb\u009b31mc\u202e'));
  expect((await at(port, 'image', 'list')).stderr).toMatch(/400 a\?\[2Jb\?31mc\?\n$/);
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redfishSection } from '../../../../src/config/section/redfish.js';
import { parseTarget } from '../../../../src/driver/redfish/target.js';
import { RedfishTransport } from '../../../../src/driver/redfish/transport.js';

let body = '';
const server = createServer((_, response) => response.writeHead(403).end(body));
const transport = new RedfishTransport(redfishSection.parse({}));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(async () => {
  transport.close();
  await new Promise((resolve) => server.close(resolve));
});

it.each<[string, string, object | undefined]>([
  ['an object', '{"error":{"code":"x"}}', { error: { code: 'x' } }],
  // JSON.parse takes it; JSON.stringify would overflow the stack.
  ['an object of 20,000 levels', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`, undefined],
  ['a list', '[]', undefined],
  ['no JSON', '<html>', undefined],
])('an answer of %s', async (_, text, seen) => {
  body = text;
  const { port } = server.address() as AddressInfo;
  const target = parseTarget({ redfish_address: `http://127.0.0.1:${port}`, redfish_system_id: '/x' }, {});
  const call = { method: 'GET', path: '/x', headers: {}, fresh: true } as const;
  const answer = await transport.exchange(target, { ...call, signal: AbortSignal.timeout(5_000) });
  expect(answer).toMatchObject({ status: 403 });
  expect(answer.body).toEqual(seen);
});

it('a file is sent with its length, and closed when the connection breaks', async () => {
  const seen: { length?: string | undefined; chunks?: string | undefined; bytes: number }[] = [];
  const taking = createServer((request, response) => {
    const { 'content-length': length, 'transfer-encoding': chunks } = request.headers;
    const entry = { length, chunks, bytes: 0 };
    seen.push(entry);
    request.on('data', (chunk: Buffer) => {
      entry.bytes += chunk.length;
      if (request.url === '/breaks') request.socket.destroy();
    });
    request.on('end', () => response.writeHead(202).end());
  });
  await new Promise<void>((resolve) => taking.listen(0, '127.0.0.1', resolve));
  const { port } = taking.address() as AddressInfo;
  const target = parseTarget({ redfish_address: `http://127.0.0.1:${port}`, redfish_system_id: '/x' }, {});
  let open = 0;
  async function* content() {
    open++;
    try {
      for (let at = 0; at < 64; at++) yield Buffer.alloc(64 * 1024);
    } finally {
      open--;
    }
  }
  const upload = { type: 'a/b', size: 64 * 64 * 1024, open: () => Readable.from(content()) };
  const call = {
    method: 'POST',
    headers: {},
    fresh: true,
    upload,
    signal: AbortSignal.timeout(5_000),
  } as const;
  expect(await transport.exchange(target, { ...call, path: '/x' })).toMatchObject({ status: 202 });
  expect(seen[0]).toEqual({ length: String(upload.size), chunks: undefined, bytes: upload.size });
  await expect(transport.exchange(target, { ...call, path: '/breaks' })).rejects.toMatchObject({
    fault: { outcome: 'unknown' },
  });
  await expect.poll(() => open).toBe(0);
  await new Promise((resolve) => taking.close(resolve));
});

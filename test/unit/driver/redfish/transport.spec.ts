import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

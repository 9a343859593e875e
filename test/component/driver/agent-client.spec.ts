import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeCertificate } from '../../../agent/src/certificate.js';
import { AgentBusyError, AgentClient } from '../../../src/driver/agent/client.js';
import { NotConnected, pinnedRequest } from '../../../src/driver/agent/pinned-request.js';
import { measureWith } from '../../../src/platform/meter/meter.js';
import { Series } from '../../../src/platform/meter/series.js';
import { AGENT_TOKEN, httpsServer } from '../../support/agent-machine.js';
import { DriverBench } from '../../support/driver-context.js';
import { throwOnce } from '../../support/faults/throw-once.js';

const own = makeCertificate('127.0.0.1', 'agent');
const client = new AgentClient({ timeout: 1_000, attempts: 2, requireTls: true, ports: [] });
const bench = (port: number, internal = {}) =>
  new DriverBench({
    driver_internal_info: {
      agent_url: `https://127.0.0.1:${port}`,
      agent_verify_ca: own.certificate,
      agent_secret_token: AGENT_TOKEN,
      agent_last_heartbeat: 'now',
      ...internal,
    },
  });
const json = (response: import('node:http').ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

describe('AgentClient', () => {
  it('says nothing, not even its token, to one that shows another certificate', async () => {
    await using impostor = await httpsServer(makeCertificate('127.0.0.1', 'agent'), (_, response) =>
      json(response, 200, { commands: [] }),
    );
    for (let i = 0; i < 10; i++) {
      await expect(client.commands(bench(impostor.port).context())).rejects.toMatchObject({
        code: 'agent-failed',
        message: expect.stringContaining('shows another certificate than it reported') as string,
      });
    }
    await sleep(50);
    expect(impostor.connections()).toBeGreaterThan(0);
    expect(impostor.seen).toEqual([]);
  });

  it('takes the pinned certificate though its dates and names say nothing to this clock', async () => {
    const old = makeCertificate('192.0.2.1', 'agent', Date.parse('2001-01-01'));
    await using server = await httpsServer(old, (_, response) => json(response, 200, { commands: [] }));
    const node = bench(server.port, { agent_verify_ca: old.certificate });
    expect(await client.commands(node.context())).toEqual([]);
    expect(server.seen).toEqual([`GET /v1/commands/?agent_token=${AGENT_TOKEN}`]);
    expect(node.fences).toEqual([1_000]);
  });

  it('asks again when it is not answered, but gives a command once only', async () => {
    await using server = await httpsServer(own, (_, response) => void response.destroy());
    const node = bench(server.port);
    await expect(client.commands(node.context())).rejects.toMatchObject({ code: 'agent-unreachable' });
    expect(server.seen).toHaveLength(2);
    const error: unknown = await client.start(node.context(), 'a.b', {}).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'agent-unreachable' });
    expect(error).not.toBeInstanceOf(NotConnected);
    expect(server.seen).toHaveLength(3);
  });

  it('gives up on silence in time, and at once when its work is cancelled', async () => {
    await using server = await httpsServer(own, () => {});
    const node = bench(server.port);
    const started = performance.now();
    await expect(client.start(node.context(), 'a.b', {})).rejects.toMatchObject({
      code: 'agent-unreachable',
      message: `Failed to connect to the agent at https://127.0.0.1:${server.port}: no answer within 1 s.`,
    });
    expect(performance.now() - started).toBeLessThan(10_000);
    setTimeout(() => node.abort.abort(), 50);
    await expect(client.commands(node.context())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    [409, { faultstring: 'Agent is busy: executing command write' }, AgentBusyError, /busy/],
    [401, { faultstring: '401 Unauthorized: Token invalid.' }, Error, /refused with status 401/],
    [500, 'x', Error, /refused with status 500: no reason given/],
    [302, {}, Error, /answered 302/],
    [200, { commands: [{ id: 1 }] }, Error, /malformed: commands\[0\]/],
  ])('%i %j is its own failure', async (status, body, kind, text) => {
    await using server = await httpsServer(own, (_, response) => {
      response.setHeader('location', 'http://127.0.0.1:1/');
      json(response, status, body);
    });
    const error: unknown = await client.commands(bench(server.port).context()).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code: 'agent-failed', message: expect.stringMatching(text) as string });
    expect(server.seen).toHaveLength(1); // no redirect was followed, no answer asked for twice
  });

  it('cuts an endless answer off', async () => {
    await using server = await httpsServer(own, (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    await expect(client.commands(bench(server.port).context())).rejects.toMatchObject({
      code: 'agent-failed',
      message: expect.stringContaining('larger than 1048576 bytes') as string,
    });
  });

  it('reads a result that repeats the config drive, twice, as ironic-python-agent’s write_image does', async () => {
    const configdrive = 'H4sI'.repeat(300_000);
    const args = { image_info: { configdrive }, configdrive };
    const record = {
      id: '1',
      command_name: 'execute_deploy_step',
      command_status: 'SUCCEEDED',
      command_error: null,
      command_result: { deploy_result: 'written', deploy_step: { step: 'write_image', args } },
    };
    await using server = await httpsServer(own, (_, response) => json(response, 200, { commands: [record] }));
    const node = bench(server.port);
    await expect(client.commands(node.context())).rejects.toThrow('larger than');
    node.committed = { ...node.committed, instance_info: { configdrive } };
    expect(await client.commands(node.context())).toEqual([record]);
  });

  it.each([
    ['http://127.0.0.1:9999', 'is not https'],
    ['https://user@127.0.0.1:9999', 'is more than an address'],
    ['https://127.0.0.1:9999/path', 'is more than an address'],
    ['https://127.0.0.1:22', 'has the port 22'],
    ['file:///etc/passwd', 'is not https'],
  ])('does not go to %s', async (agent_url, reason) => {
    const strict = new AgentClient({ timeout: 500, attempts: 1, requireTls: true, ports: [9999] });
    await expect(strict.commands(bench(1, { agent_url }).context())).rejects.toThrow(reason);
  });

  it('keeps token and control characters out of errors and logs', async () => {
    await using server = await httpsServer(own, (_, response) =>
      json(response, 400, { faultstring: 'bad\n{"level":"error"}\u001b[31m' }),
    );
    const node = bench(server.port);
    const refused: unknown = await client.commands(node.context()).catch((e: unknown) => e);
    expect((refused as Error).message).not.toMatch(/[\u0000-\u001f]/);
    const gone: unknown = await client.commands(bench(1).context()).catch((e: unknown) => e);
    expect(`${String(refused)}${String(gone)}${node.lines.join('')}`).not.toContain('canary');
    expect(gone).toBeInstanceOf(NotConnected);
  });

  it('measures each request by its outcome', async () => {
    const series = new Series();
    measureWith(series);
    try {
      await using server = await httpsServer(own, (_, response) => json(response, 200, { commands: [] }));
      await client.commands(bench(server.port).context());
      await client.commands(bench(1).context()).catch(() => undefined);
    } finally {
      measureWith(null);
    }
    const counted = [...series.counters.get('agent_requests_total')!.values()];
    // A connection that fails is tried twice.
    expect(counted).toEqual([
      { labels: ['succeeded'], value: 1 },
      { labels: ['agent-unreachable'], value: 2 },
    ]);
    const took = series.histograms.get('agent_request_duration_seconds')!;
    expect([...took.keys()]).toEqual(['succeeded', 'agent-unreachable']);
  });
});

it('one that accepts and says nothing is given up in time although the timer of that throws', async () => {
  const mute = createServer((socket) => socket.resume());
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { thrown } = throwOnce('agent: connection', 2); // after that of the socket
  const accepted = once(mute, 'connection');
  const asked = pinnedRequest({
    ...{ method: 'GET', url: new URL(`https://127.0.0.1:${port}/`), certificate: own.certificate },
    ...{ timeout: 60_000, maxBytes: 1_000, signal: new AbortController().signal },
  }).catch((error: unknown) => error);
  await accepted;
  vi.advanceTimersByTime(10_000);
  expect(await asked).toBeInstanceOf(NotConnected);
  expect(thrown()).toBe(true);
  mute.close();
});

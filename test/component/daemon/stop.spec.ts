import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { DaemonHome } from '../../support/daemon.js';
import { freePort } from '../../support/free-port.js';

const homes: DaemonHome[] = [];
afterAll(async () => {
  for (const home of homes) await home.remove();
});
function newHome(config: Record<string, unknown>): DaemonHome {
  const home = new DaemonHome(config);
  homes.push(home);
  return home;
}

/** One request; what became of it: a status, `last` behind it where the connection is not to be used again. */
function ask(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = httpGet(url, { agent }, (response) => {
      response.resume();
      const last = response.headers.connection === 'close' ? ' last' : '';
      response.once('end', () => resolve(`${response.statusCode}${last}`));
      response.once('error', (error: NodeJS.ErrnoException) => resolve(`cut ${error.code}`));
    });
    request.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

it('no request of a connection that was taken is reset, while its clients go on asking', async () => {
  const daemon = await newHome({}).start();
  const agents = Array.from({ length: 32 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const seen: string[] = [];
  let over = false;
  const clients = agents.map(async (agent) => {
    while (!over) {
      const result = await ask(`${daemon.url}/v1/nodes/detail`, agent);
      seen.push(result);
      if (result !== '200') return;
    }
  });
  await sleep(500);
  daemon.process.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  over = true;
  await Promise.all(clients);
  expect(seen.filter((result) => result !== '200')).toEqual(agents.map(() => '200 last'));
  expect(seen.filter((result) => result === '200').length).toBeGreaterThan(32);
});

it('clients that go on opening connections to any listener are answered or refused, never reset', async () => {
  const metrics = await freePort();
  const home = newHome({ metrics: { listen: '127.0.0.1', port: metrics } });
  const daemon = await home.start();
  const urls = [`${daemon.url}/v1`, `${daemon.agentUrl}/v1`, `http://127.0.0.1:${metrics}/livez`];
  const seen = new Map<string, number>();
  const clients = urls.flatMap((url) =>
    Array.from({ length: 4 }, async () => {
      for (let result = ''; result !== 'ECONNREFUSED'; ) {
        result = (await ask(url, new Agent({ keepAlive: false }))).replace(' last', '');
        seen.set(result, (seen.get(result) ?? 0) + 1);
        if (result !== '200' && result !== 'ECONNREFUSED') return;
      }
    }),
  );
  await sleep(1_000);
  daemon.process.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
  await Promise.all(clients);
  expect([...seen.keys()].sort()).toEqual(['200', 'ECONNREFUSED']);
  expect(seen.get('ECONNREFUSED')).toBe(12);
});

it('a download under way is finished within its grace; a second signal cuts it and stops the database in order', async () => {
  const port = await freePort();
  for (const signals of [1, 2]) {
    const home = newHome({ netboot: { http: { port, min_bytes_per_second: 0 } } });
    const file = join(home.directory, 'large');
    writeFileSync(file, Buffer.alloc(64 * 1024 * 1024, 7));
    const daemon = await home.start({ FERRIC_NETBOOT__FILES: JSON.stringify({ large: file }) });
    let bytes = 0;
    const received = new Promise<string>((resolve) => {
      httpGet(`http://127.0.0.1:${port}/large`, async (response) => {
        response.once('error', () => resolve('cut'));
        response.once('end', () => resolve(response.complete ? 'whole' : 'cut'));
        try {
          for await (const chunk of response as AsyncIterable<Buffer>) {
            bytes += chunk.length;
            if (bytes < 8 * 1024 * 1024) await sleep(20); // slower than the daemon would like
          }
        } catch {
          resolve('cut');
        }
      });
    });
    await sleep(300);
    const pid = Number(
      readFileSync(join(home.directory, 'data/postgresql/cluster/postmaster.pid'), 'utf8').split('\n')[0],
    );
    daemon.process.kill('SIGTERM');
    if (signals === 2) {
      await sleep(300);
      daemon.process.kill('SIGTERM');
    }
    expect(await daemon.ended).toBe(0);
    if (signals === 1) {
      expect([await received, bytes]).toEqual(['whole', 64 * 1024 * 1024]);
    } else {
      expect(await received).toBe('cut');
      expect(daemon.log()).toContain('stopping without grace');
    }
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { configuredFiles, Manifest } from '../../../src/netboot/published/manifest.js';
import { startApi } from '../../support/api.js';
import { silentLog, startTestDatabase, type TestDatabase } from '../../support/database.js';
import { imageBed } from '../../support/image-service.js';

const directory = mkdtempSync(join(tmpdir(), 'ferric-own-'));
const path = join(directory, 'image');
let database: TestDatabase;
let api: Awaited<ReturnType<typeof startApi>>;
let boot: HttpBootServer;
let bed: Awaited<ReturnType<typeof imageBed>>;
let served = 0;

beforeAll(async () => {
  writeFileSync(path, Buffer.alloc(4096, 1));
  const everybody = { admits: async () => true, speaksFor: async () => true };
  const manifest = new Manifest([configuredFiles({ image: path })], everybody);
  const section = netbootSection.parse({
    http: { listen: '0.0.0.0', port: 0, public_url: 'http://boot.localhost:8999' },
  });
  const counting = {
    find: (...asked: Parameters<Manifest['find']>) => {
      served += 1;
      return manifest.find(...asked);
    },
  };
  boot = new HttpBootServer(section, counting, silentLog);
  await boot.start();
  database = await startTestDatabase();
  api = await startApi(database);
  bed = await imageBed({ allowed_networks: ['127.0.0.0/8', '::1/128'] });
});
afterAll(async () => {
  await bed.close();
  await api.stop();
  await boot.stop();
  await database.stop();
  rmSync(directory, { recursive: true });
});

const opaque = { opaque: true };
const refusal = async (url: string) => {
  const signal = new AbortController().signal;
  const asked = [
    bed.service.resolve(url),
    bed.service.fetchTo(url, bed.target(), opaque),
    bed.service.download(url, bed.target(), ['sha256'], signal),
    bed.service.checkKind(url, { size: 4096, disk_format: 'raw', kind: 'whole-disk', signal }),
    bed.service.resolve('http://127.0.0.1:1/x', { image_checksum: `${url}` }),
  ];
  const told = await Promise.allSettled(asked);
  return told.map((one) => (one.status === 'rejected' ? (one.reason as Error).message : 'fetched'));
};

it('no image, import or checksum comes from a listener of Ferric’s own, whatever it is called', async () => {
  const mine = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const hosts = [
    '127.0.0.1',
    '127.9.9.9',
    'localhost',
    ...mine.filter((a) => a.family === 'IPv4').map((a) => a.address),
  ];
  const ports = [boot.port!, Number(new URL(api.api.base).port), Number(new URL(api.agent.base).port)];
  for (const host of hosts)
    for (const port of ports) {
      const told = await refusal(`http://${host}:${port}/image`);
      expect(told.slice(0, 4), `${host}:${port}`).toEqual(
        Array(4).fill(expect.stringContaining('it is a port of Ferric itself')),
      );
    }
  expect(served).toBe(0);
});

it('nor by its public name', async () => {
  const told = await refusal('http://boot.localhost:8999/image');
  expect(told.slice(0, 4)).toEqual(Array(4).fill(expect.stringContaining('it is a port of Ferric itself')));
  // Another name of the same address, and the same port.
  expect((await refusal('http://other.localhost:8999/image'))[0]).toContain('it is a port of Ferric itself');
});

it('nor behind a redirect', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${boot.port}/image` }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const told = await refusal(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
  expect(told.slice(0, 4)).toEqual(Array(4).fill(expect.stringContaining('it is a port of Ferric itself')));
  await new Promise((resolve) => server.close(resolve));
  expect(served).toBe(0);
});

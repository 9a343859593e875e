import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { Manifest, publishedFiles } from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { silentLog } from '../../support/database.js';
import { publishedFor } from '../../support/published.js';

/** Puts the folder and a link that leads out of the root in each other's place, as fast as it goes. */
const EXCHANGE = `
const { renameSync } = require('node:fs');
const { workerData: at, parentPort } = require('node:worker_threads');
let over = false;
parentPort.on('message', () => { over = true; });
const some = () => {
  for (let i = 0; i < 200; i++) {
    renameSync(at + '/node', at + '/folder');
    renameSync(at + '/link', at + '/node');
    renameSync(at + '/node', at + '/link');
    renameSync(at + '/folder', at + '/node');
  }
  if (over) parentPort.close(); else setImmediate(some);
};
some();
`;

let directory: string;
let http: HttpBootServer;
let tftp: TftpServer;
let exchange: Worker;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-roots-'));
  const root = join(directory, 'root');
  for (const [folder, words] of [
    [join(root, 'node'), 'ours'],
    [join(directory, 'outside'), 'theirs'],
  ] as const) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'kernel'), `${words}\n`);
  }
  symlinkSync(join(directory, 'outside'), join(root, 'link'));
  const plan: Parameters<typeof publishedFor>[1] = {
    kernel: join(root, 'node/kernel'),
    outside: join(directory, 'outside/kernel'),
    up: `${root}/../outside/kernel`,
    media: {
      kind: 'generated',
      segments: [{ path: join(directory, 'outside/kernel'), start: 0, length: 7 }],
      size: 7,
    },
  };
  const manifest = new Manifest([publishedFiles(publishedFor(randomUUID(), plan), [root])], {
    admits: async () => true,
    speaksFor: async () => true,
  });
  const section = netbootSection.parse({
    http: { listen: '127.0.0.1', port: 0, max_connections_per_client: 1_000 },
    tftp: { listen: '127.0.0.1', port: 0 },
  });
  http = new HttpBootServer(section, manifest, silentLog);
  await http.start();
  tftp = new TftpServer(section.tftp, manifest, silentLog);
  await tftp.start();
});
afterAll(async () => {
  exchange?.postMessage('end');
  await http.stop();
  await tftp.stop();
  rmSync(directory, { recursive: true });
});

const get = async (name: string) => {
  const answer = await fetch(`http://127.0.0.1:${http.port}/${name}`);
  return answer.status === 200 ? answer.text() : String(answer.status);
};

/** The words of every transfer that came through. */
const fetchByTftp = (name: string, times: number) =>
  new Promise<string[]>((resolve) => {
    const urls = Array.from({ length: times }, () => `tftp://127.0.0.1:${tftp.port}/${name}`);
    execFile('curl', ['-s', ...urls], (_error, out) => resolve(out.split('\n').filter(Boolean)));
  });

it('serves no path that a row puts outside of the roots', async () => {
  expect(await get('kernel')).toBe('ours\n');
  expect(await fetchByTftp('kernel', 1)).toEqual(['ours']);
  for (const name of ['outside', 'up']) {
    expect(await get(name), name).toBe('404');
    expect(await fetchByTftp(name, 1), name).toEqual([]);
  }
  expect(await get('media')).toBe('500');
  expect(await fetchByTftp('media', 1)).toEqual([]);
});

it('serves nothing from outside while folder and link are exchanged under its requests', async () => {
  exchange = new Worker(EXCHANGE, { eval: true, workerData: join(directory, 'root') });
  const seen = new Set<string>();
  const web = async () => {
    for (let i = 0; i < 150; i++) seen.add(await get('kernel'));
  };
  const [words] = await Promise.all([fetchByTftp('kernel', 150), web(), web()]);
  expect([...seen].toSorted()).toEqual(['404', 'ours\n']);
  expect([...new Set(words)]).toEqual(['ours']);
  expect(words.length).toBeLessThan(150);
}, 60_000);

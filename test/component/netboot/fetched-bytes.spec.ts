import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import {
  bootScript,
  configuredFiles,
  Manifest,
  publishedFiles,
} from '../../../src/netboot/published/manifest.js';
import { collectedLog } from '../../support/log.js';
import { publishedFor } from '../../support/published.js';

it('what is fetched of a node’s files is recorded, and nothing of those for every machine', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-fetched-'));
  const path = join(directory, 'file');
  writeFileSync(path, 'content');
  const routes = [
    bootScript,
    publishedFiles(publishedFor(randomUUID(), { 'media/boot.iso': path }), [directory]),
    configuredFiles({ 'snponly.efi': path }),
  ];
  const manifest = new Manifest(routes, { admits: async () => true, speaksFor: async () => true });
  const noted = new Map<string, number>();
  const notes = {
    add: (_service: string, name: string, bytes: number) => void noted.set(name, bytes),
    stop: async () => {},
  };
  const section = netbootSection.parse({ http: { listen: '127.0.0.1', port: 0 } });
  const server = new HttpBootServer(section, manifest, collectedLog(), undefined, notes);
  await server.start();
  try {
    for (const name of ['boot.ipxe', 'grub/grub.cfg', 'snponly.efi', 'media/boot.iso']) {
      const answer = await fetch(`http://127.0.0.1:${server.port}/${name}`);
      expect(answer.status).toBe(200);
      expect((await answer.text()).length).toBeGreaterThan(0);
    }
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
  expect([...noted.keys()]).toEqual(['media/boot.iso']);
  expect(noted.get('media/boot.iso')).toBeGreaterThanOrEqual('content'.length);
});

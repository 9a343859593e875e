import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  ownEndpoints,
  ownPorts,
  publicEndpoints,
  registerListener,
} from '../../../src/platform/own-listeners.js';

it('knows what listens, as long as it does', async () => {
  const server = createServer();
  registerListener(server, 'https://ferric.example.org/boot');
  expect(ownPorts()).toEqual([]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  expect(ownPorts()).toEqual([port]);
  expect(publicEndpoints()).toEqual([{ host: 'ferric.example.org', port: 443 }]);
  expect(ownEndpoints()).toEqual([
    { host: '127.0.0.1', port },
    { host: 'ferric.example.org', port: 443 },
  ]);
  await new Promise((resolve) => server.close(resolve));
  expect([ownPorts(), ownEndpoints()]).toEqual([[], []]);
});

it('names every address of the machine for what listens on all of them', async () => {
  const server = createServer();
  registerListener(server, null);
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  expect(ownEndpoints().some(({ host }) => host === '0.0.0.0')).toBe(false);
  await new Promise((resolve) => server.close(resolve));
});

it('no file of the daemon listens on TCP without saying so here', () => {
  const root = join(import.meta.dirname, '../../../src');
  const silent = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => {
      const text = readFileSync(join(root, name), 'utf8');
      const listens =
        /\.listen\((?!config\.|at\b)/.test(text) && /createServer\(|FastifyAdapter\(/.test(text);
      return listens && !text.includes('registerListener(');
    });
  expect(silent).toEqual([]);
});

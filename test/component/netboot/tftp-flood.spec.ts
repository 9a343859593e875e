import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import type { Published } from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { client, next, rrq } from '../../support/netboot/tftp-wire.js';

/** Lookups of files that are under way, by client; none ends before `end`. */
const underWay = new Map<string, number>();
let most = 0;
let asked = 0;
let lookup: () => Promise<void>;
let end: () => void;
let server: TftpServer;
beforeEach(async () => {
  underWay.clear();
  most = 0;
  asked = 0;
  const ended = new Promise<void>((resolve) => (end = resolve));
  lookup = () => ended;
  const find = async (_service: string, name: string, from: string): Promise<Published | null> => {
    if (name === 'small') return { kind: 'text', text: 'small', node: null, readers: null };
    asked++;
    underWay.set(from, (underWay.get(from) ?? 0) + 1);
    most = Math.max(most, underWay.get(from)!);
    await lookup();
    underWay.set(from, underWay.get(from)! - 1);
    return null;
  };
  const { tftp } = netbootSection.parse({ tftp: { listen: '127.0.0.1', port: 0 } });
  server = new TftpServer(tftp, { find }, createLogger('silent'));
  await server.start();
});
afterEach(() => server.stop());

it('requests for ever other files from one port begin a few lookups, and are served when those have ended', async () => {
  const flood = await client();
  for (let n = 0; n < 500; n++) {
    flood.send(rrq(`file-${n}`), server.port!, '127.0.0.1');
    if (n % 50 === 0) await sleep(10);
  }
  await vi.waitFor(() => expect(asked).toBe(8));
  await sleep(300);
  expect([asked, most]).toEqual([8, 8]);
  end();
  await sleep(100);
  const answer = once(flood, 'message');
  flood.send(rrq('another'), server.port!, '127.0.0.1');
  await answer;
  expect(asked).toBe(10); // the last of the flood, which nothing replaced, and this one
  flood.close();
});

it('a flood of one client keeps no other waiting', async () => {
  lookup = () => sleep(20);
  const [flood, polite] = [await client(), await client('127.0.0.2')];
  const flooding = setInterval(() => {
    for (let n = 0; n < 10; n++) flood.send(rrq(`file-${Math.random()}`), server.port!, '127.0.0.1');
  }, 5);
  await vi.waitFor(() => expect(asked).toBeGreaterThan(20));
  for (let n = 0; n < 5; n++) {
    const block = next(polite);
    polite.send(rrq('small', 'tsize', `${n}`), server.port!, '127.0.0.1');
    expect((await block)?.bytes.readUInt16BE(0)).toBe(6);
  }
  expect(most).toBe(8);
  clearInterval(flooding);
  flood.close();
  polite.close();
});

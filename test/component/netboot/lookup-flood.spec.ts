import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { HttpBootServer } from '../../../src/netboot/http/server.js';
import { Manifest } from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { measureWith } from '../../../src/platform/meter/meter.js';
import { client, next, rrq } from '../../support/netboot/tftp-wire.js';

let asked = 0;
let underWay = 0;
let most = 0;
let putOff = 0;
let lookup: () => Promise<void>;
let end: () => void;
let tftp: TftpServer;
let http: HttpBootServer;
beforeEach(async () => {
  [asked, underWay, most, putOff] = [0, 0, 0, 0];
  measureWith({
    add: (name, { outcome }, by) => {
      if (name === 'tftp_transfers_total' && outcome === 'put off') putOff += by;
    },
    observe: () => undefined,
  });
  const ended = new Promise<void>((resolve) => (end = resolve));
  lookup = () => ended;
  const sources = { admits: async () => true, speaksFor: async () => true };
  const manifest = new Manifest(
    [
      async (_service, name) => {
        if (name === 'small') return { kind: 'text', text: 'small', node: null, readers: null };
        asked++;
        most = Math.max(most, ++underWay);
        await lookup();
        underWay--;
        return null;
      },
    ],
    sources,
  );
  const section = netbootSection.parse({
    tftp: { listen: '127.0.0.1', port: 0 },
    http: { listen: '127.0.0.1', port: 0 },
  });
  tftp = new TftpServer(section.tftp, manifest, createLogger('silent'));
  http = new HttpBootServer(section, manifest, createLogger('silent'));
  await tftp.start();
  await http.start();
});
afterEach(async () => {
  measureWith(null);
  end();
  await tftp.stop();
  await http.stop();
});

it('TFTP requests for ever other files from one port begin a few lookups, and are served when those have ended', async () => {
  const flood = await client();
  for (let n = 0; n < 500; n++) {
    flood.send(rrq(`file-${n}`), tftp.port!, '127.0.0.1');
    if (n % 50 === 0) await sleep(10);
  }
  await vi.waitFor(() => expect(asked).toBe(8));
  await sleep(300);
  expect([asked, most]).toEqual([8, 8]);
  // The first sixteen are in line; what is beyond is not even remembered.
  expect(putOff).toBeGreaterThan(300);
  expect(putOff).toBeLessThanOrEqual(500 - 16);
  end();
  await sleep(100);
  const answer = once(flood, 'message');
  flood.send(rrq('another'), tftp.port!, '127.0.0.1');
  await answer;
  expect(asked).toBe(10); // the last of the flood, which nothing replaced, and this one
  flood.close();
});

it('a TFTP flood of one client keeps no other waiting', async () => {
  lookup = () => sleep(20);
  const [flood, polite] = [await client(), await client('127.0.0.2')];
  const flooding = setInterval(() => {
    for (let n = 0; n < 10; n++) flood.send(rrq(`file-${Math.random()}`), tftp.port!, '127.0.0.1');
  }, 5);
  await vi.waitFor(() => expect(asked).toBeGreaterThan(20));
  for (let n = 0; n < 5; n++) {
    const block = next(polite);
    polite.send(rrq('small', 'tsize', `${n}`), tftp.port!, '127.0.0.1');
    expect((await block)?.bytes.readUInt16BE(0)).toBe(6);
  }
  expect(most).toBe(8);
  clearInterval(flooding);
  flood.close();
  polite.close();
});

it('HTTP clients that hang up at once begin a few lookups, and none when those have ended', async () => {
  for (let n = 0; n < 300; n++) {
    const socket = connect({ host: '127.0.0.1', port: http.port! });
    await once(socket, 'connect');
    socket.write(`GET /file-${n} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await sleep(2);
    socket.destroy();
  }
  await sleep(200);
  expect([asked, most]).toEqual([8, 8]);
  end();
  await sleep(200);
  expect(asked).toBe(8);
  const answer = await fetch(`http://127.0.0.1:${http.port}/file`);
  expect(answer.status).toBe(404);
});

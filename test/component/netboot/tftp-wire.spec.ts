import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { truncateSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { sendPortless } from '../../support/netboot/portless.js';
import { tftpBed } from '../../support/netboot/tftp-bed.js';
import { client, freshServer, next, rrq } from '../../support/netboot/tftp-wire.js';

const bed = tftpBed();
const { hpa, whole } = bed;

describe('on the wire', () => {
  it.skipIf(process.getuid?.() !== 0)(
    'whoever has no source port is dropped and counted, nothing else',
    async () => {
      const mine = await client();
      mine.send(rrq('exact'), bed.server.port!, '127.0.0.1');
      const first = (await next(mine))!;
      const wrq = Buffer.from('\0\x02up\0octet\0');
      const data = Buffer.from([0, 3, 0, 1, 65]);
      for (let i = 0; i < 3; i++) {
        sendPortless({ address: '127.0.0.1', port: bed.server.port! }, [
          rrq('small'),
          rrq('missing'),
          wrq,
          data,
        ]);
        sendPortless({ address: '127.0.0.1', port: first.port }, [
          rrq('small'),
          data,
          Buffer.from([0, 4, 0, 1]),
        ]);
      }
      const blocks: number[] = [];
      mine.on('message', (bytes) => blocks.push(bytes.readUInt16BE(2)));
      mine.send(Buffer.from([0, 4, 0, 1]), first.port, '127.0.0.1');
      await vi.waitFor(() => expect(blocks).toContain(2));
      mine.send(Buffer.from([0, 5, 0, 0, 0]), first.port, '127.0.0.1');
      mine.close();
      await sleep(1_100); // one line a second
      sendPortless({ address: '127.0.0.1', port: bed.server.port! }, [wrq]);
      await vi.waitFor(() => expect(bed.lines).toMatch(/"dropped":22,.*without a source port/));
      expect(whole(await hpa('large'), 'large')).toBe(true);
    },
  );

  it('a stranger gets error 5 and the transfer goes on', async () => {
    const [mine, other] = [await client(), await client()];
    mine.send(rrq('exact'), bed.server.port!, '127.0.0.1');
    const first = (await next(mine))!;
    other.send(Buffer.from([0, 4, 0, 1]), first.port, '127.0.0.1');
    expect([...(await next(other))!.bytes.subarray(0, 4)]).toEqual([0, 5, 0, 5]);
    mine.send(Buffer.from([0, 4, 0, 1]), first.port, '127.0.0.1');
    expect([...(await next(mine))!.bytes.subarray(0, 4)]).toEqual([0, 3, 0, 2]);
    mine.send(Buffer.from([0, 5, 0, 0, 0]), first.port, '127.0.0.1');
    mine.close();
    other.close();
  });

  it('a request repeated from the same port begins one transfer', async () => {
    const mine = await client();
    const ports = new Set<number>();
    mine.on('message', (_bytes, from) => ports.add(from.port));
    for (let i = 0; i < 5; i++) mine.send(rrq('exact'), bed.server.port!, '127.0.0.1');
    await sleep(300);
    expect(ports.size).toBe(1);
    mine.send(Buffer.from([0, 5, 0, 0, 0]), [...ports][0]!, '127.0.0.1');
    mine.close();
  });

  it('a silent client gets the same block five times more and no session beyond its share', async () => {
    const fresh = await freshServer({ max_sessions_per_client: 8 }, { exact: join(bed.directory, 'exact') });
    const sockets = await Promise.all(Array.from({ length: 12 }, client));
    const answers = sockets.map((socket) => next(socket));
    for (const socket of sockets) socket.send(rrq('exact', 'timeout', '1'), fresh.port!, '127.0.0.1');
    const kinds = (await Promise.all(answers)).map((answer) => answer!.bytes.readUInt16BE(0));
    expect(kinds.filter((kind) => kind === 6).length).toBe(8);
    expect(kinds.filter((kind) => kind === 5).length).toBe(4);
    let again = 0;
    for (const socket of sockets) socket.on('message', () => again++);
    await sleep(7_000);
    expect(again).toBe(8 * 5);
    // All of them have ended: there is room again.
    const late = next(sockets[0]!);
    sockets[0]!.send(rrq('exact'), fresh.port!, '127.0.0.1');
    expect((await late)!.bytes.readUInt16BE(0)).toBe(3);
    for (const socket of sockets) socket.close();
    await fresh.stop();
  });

  it('a file that shrinks on the way ends in an error packet', async () => {
    const path = join(bed.directory, 'shrinking');
    writeFileSync(path, randomBytes(512 * 1000));
    const shrinking = await freshServer({}, { shrinking: path });
    const mine = await client();
    mine.send(rrq('shrinking', 'windowsize', '64'), shrinking.port!, '127.0.0.1');
    const oack = (await next(mine))!;
    truncateSync(path, 100);
    const seen: number[] = [];
    mine.on('message', (bytes, from) => {
      seen.push(bytes.readUInt16BE(0));
      if (bytes.readUInt16BE(0) === 3 && bytes.readUInt16BE(2) % 64 === 0) {
        mine.send(Buffer.from([0, 4, bytes[2]!, bytes[3]!]), from.port, '127.0.0.1');
      }
    });
    mine.send(Buffer.from([0, 4, 0, 0]), oack.port, '127.0.0.1');
    await sleep(500);
    expect(seen.at(-1)).toBe(5);
    mine.close();
    await shrinking.stop();
  });

  it('lives through malformed packets by the ten thousand, on its port and on a transfer’s', async () => {
    const mine = await client();
    mine.send(rrq('large'), bed.server.port!, '127.0.0.1');
    const first = (await next(mine))!;
    let seed = 5;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % below;
    };
    const noise = await client();
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.alloc(random(600));
      for (let at = 0; at < bytes.length; at++) bytes[at] = random(256);
      if (bytes.length > 1 && i % 2) bytes.set([0, random(8)]);
      const port = i % 3 === 0 ? first.port : bed.server.port!;
      await new Promise<void>((resolve) => noise.send(bytes, port, '127.0.0.1', () => resolve()));
    }
    noise.close();
    mine.close();
    await sleep(200);
    expect(whole(await hpa('large'), 'large')).toBe(true);
    expect(bed.lines).toContain('breaks the protocol');
  });
});

describe('clients that are not quite right', () => {
  let odd: TftpServer;
  beforeAll(async () => {
    odd = await freshServer({}, { small: join(bed.directory, 'small'), exact: join(bed.directory, 'exact') });
  });
  afterAll(() => odd.stop());

  it('a second request from the same port for another file is a new transfer', async () => {
    const mine = await client();
    mine.send(rrq('exact'), odd.port!, '127.0.0.1');
    const first = (await next(mine))!;
    const second = next(mine);
    mine.send(rrq('small'), odd.port!, '127.0.0.1');
    const got = (await second)!;
    expect(got.port).not.toBe(first.port);
    expect(got.bytes.subarray(4)).toEqual(bed.files['small']);
    mine.send(Buffer.from([0, 4, 0, 1]), got.port, '127.0.0.1');
    // The same file with other options, too; and not a word more of the first.
    const third = next(mine);
    mine.send(rrq('small', 'tsize', '0'), odd.port!, '127.0.0.1');
    expect((await third)!.bytes.toString('latin1')).toBe('\0\x06tsize\x00100\0');
    expect((await next(mine, 2_500))?.bytes.readUInt16BE(0)).not.toBe(3);
    mine.close();
  });

  it('a machine that was reset and asks for the same file begins anew', async () => {
    const mine = await client();
    mine.send(rrq('exact'), odd.port!, '127.0.0.1');
    const first = (await next(mine))!;
    mine.send(Buffer.from([0, 4, 0, 1]), first.port, '127.0.0.1');
    await next(mine);
    await sleep(2_100);
    mine.removeAllListeners('message');
    const seen: { bytes: Buffer; port: number }[] = [];
    mine.on('message', (bytes, from) => seen.push({ bytes, port: from.port }));
    mine.send(rrq('exact'), odd.port!, '127.0.0.1');
    await vi.waitFor(() =>
      expect(seen.find(({ port }) => port !== first.port)?.bytes.readUInt16BE(2)).toBe(1),
    );
    mine.close();
  });

  it.each([
    ['//small'],
    ['/./small'],
    ['\\small'],
    ['.\\small'],
    ['small\xff'],
    ['small\xff\xff\x12garbage'],
    ['/\\.//small\xff'],
  ])('%j is the file small', async (name) => {
    const mine = await client();
    mine.send(rrq(name), odd.port!, '127.0.0.1');
    const { bytes, port } = (await next(mine))!;
    expect(bytes.subarray(4)).toEqual(bed.files['small']);
    mine.send(Buffer.from([0, 4, 0, 1]), port, '127.0.0.1');
    mine.close();
  });

  it.each<[string, string, number, string]>([
    ['no mode', '\0\x01small', 4, 'no mode'],
    ['a cut mode', '\0\x01small\0oct', 4, 'no such mode'],
    ['an unknown opcode', '\0\x07small\0octet\0', 4, 'opcode 7'],
    ['more than 512 bytes', `\0\x01${'a'.repeat(520)}\0octet\0`, 4, 'request over 512 bytes'],
    ['data that belongs to no transfer', '\0\x03\0\x01x', 5, 'no transfer has this port'],
    ['an acknowledgement of nothing', '\0\x04\0\x01', 5, 'no transfer has this port'],
    ['a folder out', '\0\x01../small\0octet\0', 1, 'no such file'],
  ])('what is refused gets an error: %s', async (_what, text, code, message) => {
    const mine = await client();
    mine.send(Buffer.from(text, 'latin1'), odd.port!, '127.0.0.1');
    const { bytes } = (await next(mine))!;
    expect([bytes.readUInt16BE(0), bytes.readUInt16BE(2)]).toEqual([5, code]);
    expect(bytes.toString('latin1', 4)).toBe(`${message}\0`);
    mine.close();
  });

  it('an error is never answered with one', async () => {
    const mine = await client();
    for (const text of ['\0\x05\0\0x\0', '\0\x05', '\0', '']) {
      mine.send(Buffer.from(text, 'latin1'), odd.port!, '127.0.0.1');
    }
    expect(await next(mine, 500)).toBeNull();
    mine.close();
  });

  it('bad options are left out of the answer', async () => {
    const mine = await client();
    mine.send(
      rrq('small', 'tsize', '-1', 'blksize', '1024', 'windowsize', '', 'BLKSIZE', '512', 'timeout', '2'),
      odd.port!,
      '127.0.0.1',
    );
    const { bytes, port } = (await next(mine))!;
    expect(bytes.toString('latin1')).toBe('\0\x06timeout\x002\0');
    mine.send(Buffer.from([0, 5, 0, 8, 0]), port, '127.0.0.1');
    mine.close();
  });

  it('listening everywhere, it answers from the address that was asked', async () => {
    const every = await freshServer({ listen: '0.0.0.0' }, { small: join(bed.directory, 'small') });
    expect(every.describe()).toMatch(
      /^TFTP: on, 0\.0\.0\.0 port \d+, read only \(a socket on each of \d+ addresses\)$/,
    );
    const own = Object.values(networkInterfaces()).flatMap((rows) =>
      rows!.filter((row) => row.family === 'IPv4'),
    );
    for (const { address } of own) {
      const mine = createSocket('udp4');
      await new Promise<void>((resolve) => mine.bind(0, '0.0.0.0', resolve));
      const heard = new Promise<[Buffer, string, number]>((resolve) => {
        mine.once('message', (bytes, from) => resolve([bytes, from.address, from.port]));
      });
      mine.send(rrq('small'), every.port!, address);
      const [bytes, from, port] = await heard;
      expect([bytes.subarray(4), from]).toEqual([bed.files['small'], address]);
      mine.send(Buffer.from([0, 4, 0, 1]), port, address);
      mine.close();
    }
    await every.stop();
  });
});

import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import {
  bootScript,
  configuredFiles,
  Manifest,
  publishedFiles,
} from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { sendPortless } from '../../support/netboot/portless.js';
import { publishedFor } from '../../support/published.js';

const NODE = randomUUID();
let directory: string;
let server: TftpServer;
let lines: string;
let holder: string | null = null;
const files: Record<string, Buffer> = {
  small: randomBytes(100),
  empty: Buffer.alloc(0),
  exact: randomBytes(512 * 8),
  large: randomBytes(3_000_001),
  // Over 65535 blocks of 512: the block number rolls over.
  huge: randomBytes(512 * 65_536 + 700),
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-tftp-'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  symlinkSync('/etc/passwd', join(directory, 'link'));
  const plan: Parameters<typeof publishedFor>[1] = {
    'pxelinux.cfg/01-52-54-00-00-00-01': join(directory, 'small'),
    [`${NODE}/deploy_kernel`]: join(directory, 'large'),
    link: join(directory, 'link'),
    folder: directory,
    generated: {
      kind: 'generated',
      segments: [{ zeros: 700 }, { path: join(directory, 'large'), start: 3, length: 500_000 }],
      size: 500_700,
    },
  };
  const manifest = new Manifest(
    [
      bootScript,
      configuredFiles(Object.fromEntries(Object.keys(files).map((name) => [name, join(directory, name)]))),
      publishedFiles(publishedFor(NODE, plan), [directory]),
    ],
    {
      admits: async () => true,
      speaksFor: async (node_uuid) => holder === null || holder === node_uuid,
    },
  );
  lines = '';
  const log = createLogger('debug', {
    write: (line) => {
      lines += line;
    },
  });
  const { tftp } = netbootSection.parse({
    tftp: { listen: '127.0.0.1', port: 0, max_sessions_per_client: 8 },
  });
  server = new TftpServer(tftp, manifest, log);
  await server.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

function run(program: string, args: string[], input?: string): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 60_000, cwd: directory }, (error, stdout, stderr) =>
      resolve({ status: error ? Number(error.code ?? -1) : 0, output: `${stdout}${stderr}` }),
    );
    child.stdin!.end(input);
  });
}

/** What the client wrote, or its exit status. */
async function fetched(program: string, args: string[], input?: string): Promise<Buffer | number> {
  const out = join(directory, `out.${randomUUID()}`);
  const text = input?.replace('OUT', out);
  const { status } = await run(
    program,
    args.map((arg) => (arg === 'OUT' ? out : arg)),
    text,
  );
  if (status !== 0) return status;
  return statSync(out, { throwIfNoEntry: false }) ? readFileSync(out) : -1;
}
const whole = (got: Buffer | number, name: string) => got instanceof Buffer && got.equals(files[name]!);
const url = (name: string) => `tftp://127.0.0.1:${server.port}/${name}`;
const curl = (name: string, ...args: string[]) => fetched('curl', ['-sS', '-o', 'OUT', ...args, url(name)]);
const atftp = (name: string, ...options: string[]) =>
  fetched('atftp', [
    ...options.flatMap((option) => ['--option', option]),
    '-g',
    '-r',
    name,
    '-l',
    'OUT',
    '127.0.0.1',
    String(server.port),
  ]);
const hpa = (name: string) =>
  fetched('tftp', ['-m', 'binary', '127.0.0.1', String(server.port), '-c', 'get', name, 'OUT']);

describe('independent clients get the file, byte by byte', () => {
  it.each(Object.keys(files).filter((name) => name !== 'huge' && name !== 'empty'))(
    'curl, blksize 512 and 1468: %s',
    async (name) => {
      expect(whole(await curl(name), name)).toBe(true);
      expect(whole(await curl(name, '--tftp-blksize', '1468'), name)).toBe(true);
      expect(whole(await curl(name, '--tftp-blksize', '65464'), name)).toBe(true);
      expect(whole(await curl(name, '--tftp-no-options'), name)).toBe(true);
    },
  );

  it.each(Object.keys(files))('atftp with windows: %s', async (name) => {
    if (name !== 'huge') {
      expect(whole(await atftp(name, 'blksize 1468', 'windowsize 16', 'tsize 0'), name)).toBe(true);
    }
    expect(whole(await atftp(name, 'windowsize 64'), name)).toBe(true);
  });

  it.each(Object.keys(files).filter((name) => name !== 'huge'))('tftp-hpa: %s', async (name) => {
    expect(whole(await hpa(name), name)).toBe(true);
  });

  it('a leading slash, a boot plan’s name, the boot script', async () => {
    expect(whole(await atftp('/small'), 'small')).toBe(true);
    expect(whole(await curl('pxelinux.cfg/01-52-54-00-00-00-01'), 'small')).toBe(true);
    expect((await curl('boot.ipxe')).toString()).toMatch(/^#!ipxe\n/);
  });

  it('content that is generated while it is served', async () => {
    const expected = Buffer.concat([Buffer.alloc(700), files['large']!.subarray(3, 500_003)]);
    for (const options of [[], ['--tftp-blksize', '1468'], ['--tftp-no-options']]) {
      const got = await curl('generated', ...options);
      expect(got instanceof Buffer && got.equals(expected)).toBe(true);
    }
  });

  it('thirty at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        i % 2 ? curl('large', '--tftp-blksize', '1468') : sleep(20).then(() => 0),
      ),
    );
    expect(
      all.filter((got) => got instanceof Buffer && got.equals(files['large']!)).length,
    ).toBeGreaterThanOrEqual(8);
  });
});

describe('refusals', () => {
  const CURL_NOT_FOUND = 68;
  const CURL_PERMISSION = 69;

  it.each([
    'missing',
    '../etc/passwd',
    '..%2f..%2fetc/passwd',
    '/etc/passwd',
    'small/../small',
    '..\\small',
    'small/',
    'link',
    'folder',
    'pxelinux.cfg/01-00-00-00-00-00-00',
    'SMALL',
    'a'.repeat(300),
  ])('%s is not found, with an error packet', async (name) => {
    const started = performance.now();
    expect(await fetched('curl', ['-sS', '--path-as-is', '-o', 'OUT', url(name)])).toBe(CURL_NOT_FOUND);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('writing is refused', async () => {
    const { status } = await run('curl', ['-sS', '-T', join(directory, 'small'), url('upload')]);
    expect(status).toBe(CURL_PERMISSION);
    expect(statSync(join(directory, 'upload'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it("another node's file is not there", async () => {
    holder = randomUUID();
    expect(await curl(`${NODE}/deploy_kernel`)).toBe(CURL_NOT_FOUND);
    expect(whole(await curl('small'), 'small')).toBe(true);
    holder = NODE;
    expect(whole(await curl(`${NODE}/deploy_kernel`), 'large')).toBe(true);
    holder = null;
  });

  it('netascii is refused with words', async () => {
    const { output } = await run('tftp', [
      '-m',
      'ascii',
      '127.0.0.1',
      String(server.port),
      '-c',
      'get',
      'small',
      'netascii',
    ]);
    expect(output).toContain('only octet mode');
  });
});

/** A server of a test's own: clients that go silent hold their share of sessions for half a minute. */
async function freshServer(tftp: object, files: Record<string, string>): Promise<TftpServer> {
  const fresh = new TftpServer(
    netbootSection.parse({ tftp: { listen: '127.0.0.1', port: 0, ...tftp } }).tftp,
    new Manifest([configuredFiles(files)], { admits: async () => true, speaksFor: async () => true }),
    createLogger('silent'),
  );
  await fresh.start();
  return fresh;
}
async function client(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}
const rrq = (name: string, ...options: string[]) =>
  Buffer.from(`\0\x01${[name, 'octet', ...options].join('\0')}\0`, 'latin1');
/** The next datagram to a socket, or null after a while. */
function next(socket: Socket, within = 1_500): Promise<{ bytes: Buffer; port: number } | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), within);
    socket.once('message', (bytes, from) => {
      clearTimeout(timer);
      resolve({ bytes, port: from.port });
    });
  });
}

describe('on the wire', () => {
  it.skipIf(process.getuid?.() !== 0)(
    'whoever has no source port is dropped and counted, nothing else',
    async () => {
      const mine = await client();
      mine.send(rrq('exact'), server.port!, '127.0.0.1');
      const first = (await next(mine))!;
      const wrq = Buffer.from('\0\x02up\0octet\0');
      const data = Buffer.from([0, 3, 0, 1, 65]);
      for (let i = 0; i < 3; i++) {
        sendPortless({ address: '127.0.0.1', port: server.port! }, [rrq('small'), rrq('missing'), wrq, data]);
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
      sendPortless({ address: '127.0.0.1', port: server.port! }, [wrq]);
      await vi.waitFor(() => expect(lines).toMatch(/"dropped":22,.*without a source port/));
      expect(whole(await hpa('large'), 'large')).toBe(true);
    },
  );

  it('a stranger gets error 5 and the transfer goes on', async () => {
    const [mine, other] = [await client(), await client()];
    mine.send(rrq('exact'), server.port!, '127.0.0.1');
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
    for (let i = 0; i < 5; i++) mine.send(rrq('exact'), server.port!, '127.0.0.1');
    await sleep(300);
    expect(ports.size).toBe(1);
    mine.send(Buffer.from([0, 5, 0, 0, 0]), [...ports][0]!, '127.0.0.1');
    mine.close();
  });

  it('a silent client gets the same block five times more and no session beyond its share', async () => {
    const fresh = await freshServer({ max_sessions_per_client: 8 }, { exact: join(directory, 'exact') });
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
    const path = join(directory, 'shrinking');
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
    mine.send(rrq('large'), server.port!, '127.0.0.1');
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
      const port = i % 3 === 0 ? first.port : server.port!;
      await new Promise<void>((resolve) => noise.send(bytes, port, '127.0.0.1', () => resolve()));
    }
    noise.close();
    mine.close();
    await sleep(200);
    expect(whole(await hpa('large'), 'large')).toBe(true);
    expect(lines).toContain('breaks the protocol');
  });
});

describe('clients that are not quite right', () => {
  let odd: TftpServer;
  beforeAll(async () => {
    odd = await freshServer({}, { small: join(directory, 'small'), exact: join(directory, 'exact') });
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
    expect(got.bytes.subarray(4)).toEqual(files['small']);
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
    expect(bytes.subarray(4)).toEqual(files['small']);
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
    const every = await freshServer({ listen: '0.0.0.0' }, { small: join(directory, 'small') });
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
      expect([bytes.subarray(4), from]).toEqual([files['small'], address]);
      mine.send(Buffer.from([0, 4, 0, 1]), port, address);
      mine.close();
    }
    await every.stop();
  });
});

it('says what it does, and closes every file and socket in the end', async () => {
  expect(server.describe()).toBe(`TFTP: on, 127.0.0.1 port ${server.port}, read only`);
  const off = new TftpServer(
    netbootSection.parse({}).tftp,
    { find: async () => null },
    createLogger('silent'),
  );
  await off.start();
  expect(off.describe()).toBe('TFTP: off (netboot.tftp.listen names no address)');
  await off.stop();
});

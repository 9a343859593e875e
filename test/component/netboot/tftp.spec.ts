import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { NODE, tftpBed } from '../../support/netboot/tftp-bed.js';

const bed = tftpBed();
const { atftp, curl, fetched, files, hpa, run, url, whole } = bed;

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
    const { status } = await run('curl', ['-sS', '-T', join(bed.directory, 'small'), url('upload')]);
    expect(status).toBe(CURL_PERMISSION);
    expect(statSync(join(bed.directory, 'upload'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it("another node's file is not there", async () => {
    bed.holder = randomUUID();
    expect(await curl(`${NODE}/deploy_kernel`)).toBe(CURL_NOT_FOUND);
    expect(whole(await curl('small'), 'small')).toBe(true);
    bed.holder = NODE;
    expect(whole(await curl(`${NODE}/deploy_kernel`), 'large')).toBe(true);
    bed.holder = null;
  });

  it('netascii is refused with words', async () => {
    const { output } = await run('tftp', [
      '-m',
      'ascii',
      '127.0.0.1',
      String(bed.server.port),
      '-c',
      'get',
      'small',
      'netascii',
    ]);
    expect(output).toContain('only octet mode');
  });
});

it('says what it does, and closes every file and socket in the end', async () => {
  expect(bed.server.describe()).toBe(`TFTP: on, 127.0.0.1 port ${bed.server.port}, read only`);
  const off = new TftpServer(
    netbootSection.parse({}).tftp,
    { find: async () => null },
    createLogger('silent'),
  );
  await off.start();
  expect(off.describe()).toBe('TFTP: off (netboot.tftp.listen names no address)');
  await off.stop();
});

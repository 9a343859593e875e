import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageServer } from '../../../lab/image-server.js';

const run = promisify(execFile);

describe('the image server before curl', () => {
  let directory: string;
  let images: ImageServer;
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lab-images-'));
    images = await ImageServer.listen();
    writeFileSync(join(directory, 'source'), bytes);
    images.publish('/a', join(directory, 'source'));
  });
  afterEach(async () => {
    await images.close();
    rmSync(directory, { recursive: true });
  });

  const curl = async (...args: string[]) => {
    const [headers, output] = [join(directory, 'headers'), join(directory, 'output')];
    rmSync(output, { force: true });
    const all = [
      '-sS',
      '--max-time',
      '5',
      '-D',
      headers,
      '-o',
      output,
      '-w',
      '%{http_code}',
      ...args,
      images.url('/a'),
    ];
    const done = await run('curl', all).then(
      ({ stdout }) => ({ code: 0, status: Number(stdout) }),
      (error: { code: number; stdout: string }) => ({ code: error.code, status: Number(error.stdout) }),
    );
    const body = await run('cat', [output], { encoding: 'buffer', maxBuffer: 2 ** 28 }).then(
      ({ stdout }) => stdout,
      () => Buffer.alloc(0),
    );
    return { ...done, headers: readFileSync(headers, 'latin1').toLowerCase(), body };
  };

  it('serves a file whole and in parts, with validators', async () => {
    const whole = await curl();
    expect(whole).toMatchObject({ code: 0, status: 200 });
    expect(whole.body.equals(bytes)).toBe(true);
    expect(whole.headers).toContain('last-modified: tue, 14 nov 2023');
    expect(whole.headers).toContain('content-length: 300000');
    const part = await curl('-r', '1000-1999');
    expect(part.status).toBe(206);
    expect(part.headers).toContain('content-range: bytes 1000-1999/300000');
    expect(part.body.equals(bytes.subarray(1000, 2000))).toBe(true);
    expect((await curl('-r', '-10')).body.equals(bytes.subarray(-10))).toBe(true);
    expect((await curl('-r', '400000-')).status).toBe(416);
    expect((await curl('-r', '5-', '-H', 'If-Range: "other"')).status).toBe(200);
    expect((await curl('-I')).status).toBe(200);
    expect([images.count('/a'), images.count('/a', 'HEAD')]).toEqual([6, 1]);
  });

  // curl's exit codes: 18 part of a file, 28 time-out, 56 connection reset while receiving.
  it('cuts bodies in both ways, and curl resumes after it', async () => {
    images.setFaults('/a', { kind: 'reset', after: 100_000, times: 1 });
    expect((await curl()).code).toBe(56);
    images.setFaults('/a', { kind: 'truncated', after: 100_000, times: 1 });
    const cut = await curl();
    expect(cut.code).toBe(18);
    expect(cut.body.equals(bytes.subarray(0, 100_000))).toBe(true);
    expect((await curl('-r', '100000-')).body.equals(bytes.subarray(100_000))).toBe(true);
  });

  it('lies about length, leaves out headers, and never ends', async () => {
    images.setFaults('/a', { kind: 'wrong-length', by: 10 });
    expect((await curl()).code).toBe(18);
    images.setFaults('/a', { kind: 'wrong-length', by: -10 });
    expect((await curl()).body.length).toBe(299_990);
    images.setFaults('/a', { kind: 'no-last-modified' }, { kind: 'no-length' }, { kind: 'no-store' });
    const bare = await curl();
    expect(bare.body.equals(bytes)).toBe(true);
    expect(bare.headers).not.toMatch(/last-modified|content-length/);
    expect(bare.headers).toContain('cache-control: no-store');
    images.setFaults('/a', { kind: 'endless' });
    const endless = await curl('--max-time', '1', '--limit-rate', '20M');
    expect(endless.code).toBe(28);
    expect(endless.body.length).toBeGreaterThan(bytes.length);
  });

  it('turns a byte, ignores ranges, changes under way, is slow, silent or failing', async () => {
    images.setFaults('/a', { kind: 'corrupt', at: 200_000 });
    const { body } = await curl();
    expect(body.findIndex((octet, i) => octet !== bytes[i])).toBe(200_000);
    expect((await curl('-r', '199999-200001')).body[1]).toBe(bytes[200_000]! ^ 0xff);
    images.setFaults('/a', { kind: 'ignore-range' });
    expect((await curl('-r', '5-9')).status).toBe(200);
    const before = await curl();
    images.setFaults('/a', { kind: 'changed' });
    const after = await curl();
    expect(after.body[0]).toBe(bytes[0]! ^ 0xff);
    expect(after.headers.match(/etag: \S+/)![0]).not.toBe(before.headers.match(/etag: \S+/)![0]);
    images.setFaults('/a', { kind: 'slow', bytesPerSecond: 100_000 });
    expect((await curl('--max-time', '1')).code).toBe(28);
    images.setFaults('/a', { kind: 'silent' });
    expect((await curl('--max-time', '1')).code).toBe(28);
    images.setFaults('/a', { kind: 'status', code: 503, retryAfter: 7, times: 1 });
    expect((await curl()).headers).toContain('retry-after: 7');
    expect((await curl()).status).toBe(200);
  });
});

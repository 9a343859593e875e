// Uploads to and downloads from the built-in Image service, beside nginx (WebDAV, no checksums) and Debian's
// glance-api: the same file by the same curl in the same run, MB/s, higher is better. Ferric computes MD5, SHA-256 and
// SHA-512, inspects and syncs; Glance computes MD5 and SHA-512.
// After `npm run build`: node dist/bench/image-service-bench.js [MiB] [rounds]
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port.js';
import { BenchDaemon } from './bench-daemon.js';
import { startGlance } from './glance-peer.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const MiB = 2 ** 20;
const run = promisify(execFile);

interface Side {
  name: string;
  /** Creates an image. @returns the URL for its PUT */
  place(): Promise<string>;
  remove(url: string): Promise<void>;
  stop(): Promise<unknown>;
}

await interruptible((signal) => bench(Number(process.argv[2] ?? 512), Number(process.argv[3] ?? 3), signal));

async function bench(mebibytes: number, rounds: number, signal: AbortSignal): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  chmodSync(directory, 0o755);
  const file = join(directory, 'file');
  fill(file, mebibytes);
  const sides: Side[] = [];
  const rates = new Map<string, number[]>();
  try {
    sides.push(await nginx(directory), await glance(), await ferric(directory));
    for (let round = 0; round < rounds; round++) {
      for (const side of sides) {
        signal.throwIfAborted();
        const url = await side.place();
        const put = [
          '-sf',
          '-o',
          '/dev/null',
          '-T',
          file,
          '-H',
          'Content-Type: application/octet-stream',
          '-H',
          'Expect:',
          url,
        ];
        note(rates, `${side.name} upload`, mebibytes, await timed(put));
        note(rates, `${side.name} download`, mebibytes, await timed(['-sf', '-o', '/dev/null', url]));
        await side.remove(url);
      }
    }
    const rows = [...rates].map(([what, values]) => ({
      what,
      'MB/s': Math.round(median(values)),
      rounds: values.map((value) => Math.round(value)).join(' '),
    }));
    console.log(`image service, ${mebibytes} MiB, median of ${rounds}`);
    console.table(rows);
  } finally {
    for (const side of sides.toReversed()) await side.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Fills a file with random bytes that do not look like a disk. */
function fill(path: string, mebibytes: number): void {
  const piece = randomBytes(4 * MiB);
  piece.fill(0, 0, 512);
  const fd = openSync(path, 'w');
  for (let i = 0; i < mebibytes; i += 4) writeSync(fd, piece);
  closeSync(fd);
}

/** Runs curl. @returns seconds */
async function timed(args: readonly string[]): Promise<number> {
  const started = performance.now();
  await run('curl', args);
  return (performance.now() - started) / 1000;
}

function note(rates: Map<string, number[]>, what: string, mebibytes: number, seconds: number): void {
  rates.set(what, [...(rates.get(what) ?? []), (mebibytes * MiB) / 1e6 / seconds]);
}

async function createImage(base: string): Promise<string> {
  const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${base}/v2/images`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`creating an image: status ${answer.status}`);
  return `${base}/v2/images/${((await answer.json()) as { id: string }).id}/file`;
}

async function deleteImage(url: string): Promise<void> {
  await fetch(url.replace(/\/file$/, ''), { method: 'DELETE' });
}

async function ferric(directory: string): Promise<Side> {
  const [api, agent, http] = [await freePort(), await freePort(), await freePort()];
  const config = join(directory, 'ferric.yaml');
  writeFileSync(
    config,
    stringify({
      data_dir: join(directory, 'data'),
      api: { listen: { port: api } },
      agent: { listen: { port: agent } },
      netboot: { http: { port: http } },
    }),
  );
  const daemon = new BenchDaemon(directory, config);
  await daemon.ready;
  const base = `http://127.0.0.1:${api}`;
  return {
    name: 'ferric',
    place: () => createImage(base),
    remove: deleteImage,
    stop: () => daemon[Symbol.asyncDispose](),
  };
}

async function glance(): Promise<Side> {
  const service = await startGlance();
  return {
    name: 'glance-api',
    place: () => createImage(service.url),
    remove: deleteImage,
    stop: () => service.stop(),
  };
}

async function nginx(directory: string): Promise<Side> {
  const port = await freePort();
  const root = join(directory, 'nginx');
  mkdirSync(join(root, 'files'), { recursive: true });
  writeFileSync(
    join(root, 'nginx.conf'),
    `user root; daemon off; worker_processes 2; pid ${root}/pid; error_log ${root}/error.log;
events {}
http {
  access_log off; sendfile on; client_max_body_size 0; client_body_temp_path ${root}/body;
  server { listen 127.0.0.1:${port}; root ${root}/files; location / { dav_methods PUT DELETE; } }
}
`,
  );
  const child = spawn('nginx', ['-c', join(root, 'nginx.conf'), '-e', join(root, 'error.log')], {
    stdio: 'ignore',
  });
  const base = `http://127.0.0.1:${port}`;
  for (
    let tries = 0;
    !(await fetch(base).then(
      () => true,
      () => false,
    ));
    tries++
  ) {
    if (tries > 100 || child.exitCode !== null) throw new Error('nginx did not start');
    await sleep(100);
  }
  let next = 0;
  return {
    name: 'nginx',
    place: async () => `${base}/image-${next++}`,
    remove: async (url) => void (await fetch(url, { method: 'DELETE' })),
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

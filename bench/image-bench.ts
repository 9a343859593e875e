// The image path end to end, beside `curl | tee >(sha256sum) | dd` in the same run: MB/s, higher is better.
// After `npm run build`: node dist/bench/image-bench.js [MiB] [rounds]
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { imageSection } from '../src/config/section/image.js';
import { ImageService } from '../src/image/image-service.js';
import { imageServiceSettings } from '../src/image/settings.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const MiB = 2 ** 20;

if (isMainThread)
  await interruptible((signal) =>
    bench(Number(process.argv[2] ?? 1024), Number(process.argv[3] ?? 3), signal),
  );
else await serve(workerData as number);

/** A server in a thread of its own, so that it takes no time of either side's event loop. */
async function serve(size: number): Promise<void> {
  const piece = randomBytes(4 * MiB);
  const hash = createHash('sha256');
  for (let i = 0; i < size; i += piece.length) hash.update(piece);
  const sha256 = hash.digest('hex');
  const server = createServer((request, response) => {
    const headers = { 'content-length': size, 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT' };
    response.writeHead(200, headers);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    let sent = 0;
    const more = () => {
      while (sent < size) {
        sent += piece.length;
        if (!response.write(piece)) return;
      }
      response.end();
    };
    response.on('drain', more);
    more();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  parentPort!.postMessage({ port: (server.address() as AddressInfo).port, sha256 });
}

async function bench(mebibytes: number, rounds: number, signal: AbortSignal): Promise<void> {
  const size = Math.ceil(mebibytes / 4) * 4 * MiB;
  const server = new Worker(new URL(import.meta.url), { workerData: size });
  const [{ port, sha256 }] = (await once(server, 'message')) as [{ port: number; sha256: string }];
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  const section = imageSection.parse({ allowed_networks: ['127.0.0.0/8'], cache_size_mib: 1_000_000 });
  const service = new ImageService(imageServiceSettings(section, { dataDir: directory }));
  await service.start();
  const target = join(directory, 'target');
  const result: Record<string, number[]> = { reference: [], ferric: [], cached: [] };
  const rate = async (action: () => unknown) => {
    const started = performance.now();
    await action();
    return size / 1e6 / ((performance.now() - started) / 1000);
  };
  try {
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      const url = `http://127.0.0.1:${port}/disk-${round}.img`;
      const command = `set -o pipefail; curl -sf '${url}' | tee >(sha256sum >'${target}.sum') | dd of='${target}.dd' bs=1M status=none; wait; cat '${target}.sum'`;
      result['reference']!.push(
        await rate(() => {
          const run = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
          // The process substitution may end a moment after the pipeline.
          if (run.status !== 0) throw new Error(`the reference failed: ${run.stderr}`);
        }),
      );
      // Lets a signal be handled that arrived while the reference ran.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      execFileSync('sync', ['-f', directory]);
      const checksum = { algo: 'sha256', value: sha256 };
      result['ferric']!.push(await rate(() => service.fetchTo(url, target, { checksum, signal })));
      result['cached']!.push(await rate(() => service.fetchTo(url, target, { checksum })));
      execFileSync('sync', ['-f', directory]);
      rmSync(target);
      rmSync(`${target}.dd`);
      await service.cleanUp();
    }
  } finally {
    await service.close();
    await server.terminate();
    rmSync(directory, { recursive: true });
  }
  const line = (name: string, key: string) => {
    const rates = result[key]!;
    const all = rates.map((value) => value.toFixed(0)).join(', ');
    console.log(`${name.padEnd(34)}${median(rates).toFixed(0).padStart(6)} MB/s   (${all})`);
  };
  // Ratios are taken round by round: other load on the machine affects both alike.
  const ratios = result['ferric']!.map((value, i) => value / result['reference']![i]!);
  console.log(`${mebibytes} MiB image, sha256, median of ${rounds}`);
  line('curl | tee >(sha256sum) | dd', 'reference');
  line('ferric', 'ferric');
  console.log(`ratio ${median(ratios).toFixed(2)} (goal: at least 0.9)`);
  console.log(`from the cache: ${(size / median(result['cached']!) / 1e3).toFixed(1)} ms`);
}

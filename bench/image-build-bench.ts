// Builds one image by `direct` and by disk-image-builder, with the same content (Debian, generic kernel, DHCP, GRUB for
// both firmwares, as a partition image), first without a cache, then with it. CPU seconds include all programs of the
// build; unlike wall time they hardly depend on other load of the machine.
// After `npm run build`, as root: node dist/bench/image-build-bench.js [BACKEND]...
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { interruptible } from './interruptible.js';

const MiB = 2 ** 20;
const PROGRAM = new URL('../cli/main.js', import.meta.url).pathname;
const CONTENT = ['--type', 'partition', '--element', 'dhcp-all-interfaces', 'grub2'];

const backends = process.argv.length > 2 ? process.argv.slice(2) : ['direct', 'dib'];
await interruptible(async (signal) => {
  const rows = [];
  for (const backend of backends) {
    // Images take gigabytes, and /tmp is often in memory.
    const directory = mkdtempSync(
      join(process.env['TMPDIR'] === undefined ? '/var/tmp' : tmpdir(), 'ferric-bench-'),
    );
    try {
      for (const cache of ['empty', 'kept'])
        rows.push({ backend, cache, ...(await build(backend, directory, signal)) });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  console.log('image build: Debian partition image with the generic kernel');
  console.table(rows);
});

async function build(
  backend: string,
  directory: string,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  signal.throwIfAborted();
  const output = join(directory, 'image');
  const load = loadavg()[0]!;
  const places = ['--cache', join(directory, 'cache'), '--scratch', join(directory, 'scratch'), '-o', output];
  const command = [
    process.execPath,
    PROGRAM,
    'image',
    'build',
    'user',
    '--backend',
    backend,
    ...CONTENT,
    ...places,
  ];
  // bash's `time` counts descendants that were waited for, in a process group that one signal reaches.
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$@"', 'bash', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const end = () => process.kill(-child.pid!, 'SIGINT');
  signal.addEventListener('abort', end, { once: true });
  const [status] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', end);
  signal.throwIfAborted();
  const times = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(said);
  if (status !== 0 || times === null)
    throw new Error(
      `${backend} failed: ${said.slice(-1_000)}\n${readFileSync(`${output}.log`, 'utf8').slice(-1_000)}`,
    );
  const [real, user, system] = times.slice(1).map(Number);
  const size = (extension: string) => Math.round(statSync(`${output}.${extension}`).size / MiB);
  return {
    seconds: Math.round(real!),
    'CPU s': Math.round(user! + system!),
    'qcow2 MiB': size('qcow2'),
    'kernel MiB': size('vmlinuz'),
    'ramdisk MiB': size('initrd'),
    'load before': Math.round(load * 10) / 10,
  };
}

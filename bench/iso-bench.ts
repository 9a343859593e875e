// Makes a boot disc of 72 MiB (a kernel of 8, a ramdisk of 64): our stream beside xorrisofs, which writes a file, with
// the memory of each. Ours runs twice: as a stream that is discarded, and into a file. Each runs in a process of its
// own; ours reports its time and the growth of its memory, since the daemon already runs when it makes a disc.
// After `npm run build`: node dist/bench/iso-bench.js
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bootWords } from '../src/protocol/ipxe/boot-text.js';
import { bootIso, efiVolume, withDisc } from '../src/protocol/iso/boot-iso.js';
import type { StreamedContent } from '../src/protocol/iso/content.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const MIB = 2 ** 20;
const RUNS = 5;
const ID = '0a6f9d0c-7d0b-4d8e-9a51-6b7a3d4c2e10';
const FILES = {
  shim: '/usr/lib/shim/shimx64.efi.signed',
  grub: '/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed',
  isolinux: '/usr/lib/ISOLINUX/isolinux.bin',
  ldlinux: '/usr/lib/syslinux/modules/bios/ldlinux.c32',
  hybrid: '/usr/lib/ISOLINUX/isohdpfx.bin',
} as const;
const OURS = ['laid out', 'streamed', 'into a file'] as const;
type Ours = (typeof OURS)[number];

const [, , how, directory] = process.argv;
if (how !== undefined && directory !== undefined) {
  const [began, before] = [performance.now(), process.memoryUsage().rss];
  await makeOurs(how as Ours, directory);
  const grown = process.resourceUsage().maxRSS - before / 1024;
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, memory: grown }));
} else await interruptible(compare);

async function makeOurs(how: Ours, directory: string): Promise<void> {
  const bytes = (path: string) => new Uint8Array(readFileSync(path));
  const volume = efiVolume(
    { first: bytes(FILES.shim), beside: new Map([['grubx64.efi', bytes(FILES.grub)]]) },
    0,
  );
  const image = bootIso({
    id: ID,
    loaders: {
      bios: {
        isolinux: bytes(FILES.isolinux),
        ldlinux: bytes(FILES.ldlinux),
        hybrid: bytes(FILES.hybrid),
      },
      uefi: withDisc(volume, ID),
    },
    kernel: file(join(directory, 'tree/vmlinuz')),
    ramdisk: file(join(directory, 'tree/initrd')),
    parameters: bootWords('boot_method=vmedia', 'parameter'),
    files: new Map(),
    time: Date.now(),
  });
  if (how === 'laid out') return;
  if (how === 'into a file')
    return pipeline(Readable.from(image.read()), createWriteStream(join(directory, 'ours.iso')));
  let read = 0;
  for await (const chunk of image.read()) read += chunk.length;
  if (read !== image.size) throw new Error(`${read} bytes instead of ${image.size}`);
}

function file(path: string): StreamedContent {
  return {
    size: statSync(path).size,
    read: (start, end) => createReadStream(path, { start, end: end - 1, highWaterMark: 512 * 1024 }),
  };
}

async function compare(signal: AbortSignal): Promise<void> {
  const missing = Object.values(FILES).filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`not there: ${missing.join(', ')}`);
  const made = mkdtempSync(join(tmpdir(), 'iso-bench-'));
  try {
    layTree(made);
    const rows: Record<string, Record<string, number>> = {};
    for (const one of OURS) {
      const args = [import.meta.filename, one, made];
      rows[`ferric, ${one}`] = await measure(process.execPath, args, signal);
    }
    rows['xorrisofs, into a file'] = await measure('xorrisofs', xorriso(made), signal);
    console.log(
      `boot disc of ${Math.round(statSync(join(made, 'ours.iso')).size / MIB)} MiB, median of ${RUNS}`,
    );
    console.table(rows);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function layTree(directory: string): void {
  const tree = join(directory, 'tree');
  for (const folder of ['isolinux', 'boot/grub']) mkdirSync(join(tree, folder), { recursive: true });
  writeFileSync(join(tree, 'vmlinuz'), randomFillSync(Buffer.alloc(8 * MIB)));
  writeFileSync(join(tree, 'initrd'), randomFillSync(Buffer.alloc(64 * MIB)));
  for (const [from, to] of [
    [FILES.isolinux, 'isolinux/isolinux.bin'],
    [FILES.ldlinux, 'isolinux/ldlinux.c32'],
  ] as const)
    writeFileSync(join(tree, to), readFileSync(from));
  const beside = new Map([['grubx64.efi', new Uint8Array(readFileSync(FILES.grub))]]);
  const volume = efiVolume({ first: new Uint8Array(readFileSync(FILES.shim)), beside }, 0);
  writeFileSync(join(tree, 'boot/grub/efiboot.img'), volume);
}

function xorriso(directory: string): string[] {
  return [
    ...['-quiet', '-r', '-J', '-V', 'VMEDIA_BOOT_ISO', '-isohybrid-mbr', FILES.hybrid],
    ...['-b', 'isolinux/isolinux.bin', '-c', 'boot/boot.cat', '-no-emul-boot', '-boot-load-size', '4'],
    ...['-boot-info-table', '-eltorito-alt-boot', '-e', 'boot/grub/efiboot.img', '-no-emul-boot'],
    ...['-o', join(directory, 'theirs.iso'), join(directory, 'tree')],
  ];
}

async function measure(program: string, args: readonly string[], signal: AbortSignal) {
  const runs: { seconds: number; memory: number }[] = [];
  for (let run = 0; run < RUNS; run++) {
    signal.throwIfAborted();
    runs.push(await oneRun(program, args));
  }
  const time = median(runs.map(({ seconds }) => seconds));
  const memory = median(runs.map(({ memory: one }) => one));
  return { seconds: round(time), 'MiB/s': Math.round(72 / time), 'memory MiB': Math.round(memory / 1024) };
}

/** Seconds and KiB, as the program reports them, or else as its parent does. */
async function oneRun(
  program: string,
  args: readonly string[],
): Promise<{ seconds: number; memory: number }> {
  const script =
    'import json,resource,subprocess,sys,time; t=time.time(); p=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE,' +
    'stderr=subprocess.DEVNULL,text=True); m=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss; ' +
    'print(p.stdout or json.dumps({"seconds":time.time()-t,"memory":m})); sys.exit(p.returncode)';
  const child = spawn('/usr/bin/python3', ['-c', script, program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with status ${code}`);
  return JSON.parse(said) as { seconds: number; memory: number };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

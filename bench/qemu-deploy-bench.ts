// Seconds of a whole deployment on QEMU machines, stage by stage, beside those of a deployment by shell scripts.
// After `npm run build`, as root: node dist/bench/qemu-deploy-bench.js
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BuiltImage, type BuiltRamdisk, buildDeployRamdisk, buildImage } from '../demo/parts.js';
import { Rack, sharedRoot } from '../demo/rack.js';
import { StageClock } from '../demo/stage-clock.js';
import { interruptible } from './interruptible.js';

const MINUTES = 60_000;
const GIB = 2 ** 30;

interface Variant {
  name: string;
  firmware: 'bios' | 'uefi';
  system: 'debian' | 'tiny';
  format: 'raw' | 'qcow2';
  /** Seconds since the start, of the same deployment by shell scripts, without conductor, on an idle machine. */
  reference: Readonly<Record<string, number>>;
}

const VARIANTS: readonly Variant[] = [
  {
    name: 'BIOS, raw image of 40 MiB',
    firmware: 'bios',
    system: 'tiny',
    format: 'raw',
    reference: { 'boot script': 5.3, 'agent asks': 20.4, 'image written': 25, hello: 33.6 },
  },
  {
    name: 'UEFI, raw image of 40 MiB',
    firmware: 'uefi',
    system: 'tiny',
    format: 'raw',
    reference: { hello: 36.1 },
  },
  {
    name: 'BIOS, Debian as qcow2 of 110 MiB',
    firmware: 'bios',
    system: 'debian',
    format: 'qcow2',
    reference: { active: 33.2, hello: 52.2 },
  },
];
/** Seconds from power on to the tiny system's greeting, on the reference's machine. */
const DISK_BOOT = { bios: 6, uefi: 7 } as const;

async function bench(signal: AbortSignal): Promise<void> {
  const { cache } = sharedRoot();
  const ramdisk = await buildDeployRamdisk(cache);
  const over: string[] = [];
  for (const variant of VARIANTS) {
    signal.throwIfAborted();
    const image = await buildImage(cache, variant, signal);
    console.log(`\n${variant.name}; load ${loadavg()[0]!.toFixed(1)}`);
    const { clock, bootAgain } = await deploy(variant, image, ramdisk, signal);
    for (const { name, at } of clock.stages) {
      const reference = variant.reference[name];
      const beside = reference === undefined ? '' : `   proof ${reference.toFixed(1).padStart(5)} s`;
      console.log(`  ${name.padEnd(18)} ${at.toFixed(1).padStart(6)} s${beside}`);
    }
    const ratio = clock.between('asked', 'hello') / variant.reference['hello']!;
    console.log(`  whole: ${ratio.toFixed(2)} times the proof (goal 1.3 on a quiet machine)`);
    if (bootAgain !== undefined) {
      const slow = bootAgain / DISK_BOOT[variant.firmware];
      console.log(
        `  yardstick: the installed system boots in ${bootAgain.toFixed(1)} s here and now, ` +
          `${slow.toFixed(2)} times the proof's ${DISK_BOOT[variant.firmware]} s`,
      );
    }
    if (ratio > 1.3) over.push(variant.name);
  }
  if (over.length > 0) console.log(`\nover the goal: ${over.join('; ')}`);
}

async function deploy(
  { firmware, system, format }: Variant,
  image: BuiltImage,
  ramdisk: BuiltRamdisk,
  signal: AbortSignal,
): Promise<{ clock: StageClock; bootAgain: number | undefined }> {
  const root = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  chmodSync(root, 0o755);
  try {
    await using rack = await Rack.raise({
      name: 'bench',
      root,
      ramdisk,
      signal,
      machines: [
        {
          name: 'node1',
          firmware,
          disks: [{ bus: 'virtio', size: 5 * GIB }],
          nics: [{ model: 'virtio' }],
        },
      ],
      config: { conductor: { automated_clean: false } },
    });
    const { api, lab } = rack;
    const node1 = lab.machine('node1');
    const { console: serial } = node1.machine;
    const uuid = await rack.enrol(node1, { capabilities: `boot_mode:${firmware}` });
    for (const [verb, state] of [
      ['manage', 'manageable'],
      ['provide', 'available'],
    ] as const) {
      await api.provision(uuid, verb);
      await api.waitForState(uuid, state, { timeout: MINUTES });
    }
    await api.patch(uuid, {
      '/instance_info/image_source': rack.publish(image),
      '/instance_info/image_os_hash_algo': 'sha256',
      '/instance_info/image_os_hash_value': image.sha256,
      '/instance_info/image_disk_format': format,
    });
    using clock = new StageClock(node1, image.hello);
    clock.mark('asked');
    await api.provision(uuid, 'active');
    await api.waitForState(uuid, 'active', { timeout: 20 * MINUTES });
    clock.mark('active');
    const hello = new RegExp(`${image.hello.source}\n`);
    await serial.waitFor(hello, { timeout: 5 * MINUTES, signal });
    if (system !== 'tiny') return { clock, bootAgain: undefined };
    await node1.machine.off();
    await sleep(200);
    const since = serial.position;
    const started = performance.now();
    await node1.machine.on();
    await serial.waitFor(hello, { since, timeout: 5 * MINUTES, signal });
    return { clock, bootAgain: (performance.now() - started) / 1000 };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

await interruptible(bench);

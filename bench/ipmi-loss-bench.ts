// Operations on BMCs that lose packets in each direction: how many fail, and how long they take. The daemon's driver
// beside plain ipmitool. After `npm run build`: node dist/bench/ipmi-loss-bench.js [operations]
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ipmiSection } from '../src/config/section/ipmi.js';
import { Ipmitool } from '../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../src/driver/ipmi/ipmitool-link.js';
import { IpmiManagement } from '../src/driver/ipmi/management.js';
import { IpmiPower } from '../src/driver/ipmi/power.js';
import { runCommand } from '../src/platform/run-command.js';
import { CANARY, Rack } from '../test/support/paper-rack.js';
import { interruptible } from './interruptible.js';
import { median } from './median.js';

const OPERATIONS = Number(process.argv[2] ?? 200);
const LOSSES = [0, 0.02, 0.05];
/** Number of BMCs in parallel. */
const BMCS = 20;

type Side = (rack: Rack, signal: AbortSignal) => Promise<unknown>;

/** The same operations for both sides. */
const WISHES: readonly { name: string; ours(driver: Driver): Side; plain: readonly string[] }[] = [
  {
    name: 'power state',
    ours: (driver) => (rack) => driver.power.getPowerState(rack.bench().context()),
    plain: ['power', 'status'],
  },
  {
    name: 'power on',
    ours: (driver) => (rack) => driver.power.setPowerState(rack.bench().context(), 'power on', 60_000),
    plain: ['power', 'on'],
  },
  {
    name: 'power off',
    ours: (driver) => (rack) => driver.power.setPowerState(rack.bench().context(), 'power off', 60_000),
    plain: ['power', 'off'],
  },
  {
    name: 'boot device',
    ours: (driver) => (rack) => driver.management.setBootDevice(rack.bench().context(), 'pxe', false),
    plain: ['chassis', 'bootdev', 'pxe', 'options=efiboot'],
  },
];

type Driver = ReturnType<typeof driverIn>;
function driverIn(directory: string) {
  const settings = ipmiSection.parse({});
  const ipmitool = new Ipmitool({ settings, runtimeDirectory: directory });
  const link = new IpmitoolLink(ipmitool);
  const management = new IpmiManagement({ link, settings, defaultBootMode: 'uefi' });
  return { ipmitool, link, management, power: new IpmiPower({ link, management }) };
}

/** ipmitool with its own retries; its list of enterprise numbers is hidden, as by the daemon. */
function plainly(words: readonly string[], home: string): Side {
  return async (rack, signal) => {
    const login = ['-I', 'lanplus', '-H', '127.0.0.1', '-p', String(rack.port), '-U', 'admin', '-E'];
    const { stdout } = await runCommand({
      file: 'ipmitool',
      args: [...login, ...words],
      env: { IPMITOOL_PASSWORD: CANARY, HOME: home },
      timeout: 120_000,
      signal,
    });
    // ipmitool exits with 0 for some boot devices that it has not set.
    if (words[1] === 'bootdev' && !stdout.includes('Set Boot Device to')) throw new Error('not set');
  };
}

interface Figures {
  failed: number;
  seconds: number[];
}

async function measure(loss: number, sides: readonly Side[], signal: AbortSignal): Promise<Figures> {
  const figures: Figures = { failed: 0, seconds: [] };
  let next = 0;
  await Promise.all(
    Array.from({ length: BMCS }, async () => {
      await using rack = await Rack.up({ kind: 'lossy', share: loss });
      while (next < OPERATIONS && !signal.aborted) {
        const side = sides[next++ % sides.length]!;
        const started = performance.now();
        try {
          await side(rack, signal);
        } catch {
          figures.failed++; // what this bench counts
        }
        figures.seconds.push((performance.now() - started) / 1000);
      }
    }),
  );
  return figures;
}

async function bench(signal: AbortSignal): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  try {
    const driver = driverIn(directory);
    await driver.ipmitool.start();
    const home = join(directory, 'ipmitool-home');
    console.log(
      `${OPERATIONS} operations on ${BMCS} BMCs side by side: ${WISHES.map(({ name }) => name).join(', ')}`,
    );
    console.log(`load ${loadavg()[0]!.toFixed(1)}\n`);
    console.log('lost each way   who        failed   median s   longest s');
    for (const loss of LOSSES) {
      const ours = WISHES.map((wish) => wish.ours(driver));
      const plain = WISHES.map((wish) => plainly(wish.plain, home));
      for (const [who, sides] of [
        ['ipmitool', plain],
        ['the daemon', ours],
      ] as const) {
        const { failed, seconds } = await measure(loss, sides, signal);
        signal.throwIfAborted();
        const row = [
          `${loss * 100} %`.padEnd(15),
          who.padEnd(10),
          String(failed).padStart(6),
          median(seconds).toFixed(1).padStart(10),
          Math.max(...seconds)
            .toFixed(1)
            .padStart(11),
        ];
        console.log(row.join(' '));
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

await interruptible(bench);

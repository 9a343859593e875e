// Power reads of many BMCs: by the daemon's native link, with a session for each read and in sessions that are open,
// and by its ipmitool. The BMCs run in another process. After `npm run build`:
// node dist/bench/ipmi-native-bench.js [BMCs] [of them by ipmitool]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ipmiSection } from '../src/config/section/ipmi.js';
import { callOf } from '../src/driver/ipmi/link.js';
import type { LinkChoice } from '../src/driver/ipmi/link-choice.js';
import { DriverBench } from '../test/support/driver-context.js';
import { testLink } from '../test/support/ipmi-link.js';
import { CANARY } from '../test/support/paper-rack.js';
import { interruptible } from './interruptible.js';

const COUNT = Number(process.argv[2] ?? 1_000);
const BY_IPMITOOL = Number(process.argv[3] ?? Math.min(COUNT, 200));

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  parts.defer(() => rmSync(directory, { recursive: true }));
  const bmcs = fork(join(import.meta.dirname, 'ipmi-bmcs.js'), [String(COUNT)]);
  parts.defer(() => bmcs.disconnect());
  const [ports] = (await once(bmcs, 'message', { signal })) as [number[]];
  console.log(`${COUNT} BMCs; load ${loadavg()[0]!.toFixed(1)}\n`);
  console.log('power reads                      read   failed   wall s   CPU ms a read');

  const round = async (name: string, link: LinkChoice, count: number, attended: boolean) => {
    let failed = 0;
    const [begun, used] = [performance.now(), cpu()];
    const read = async (port: number) => {
      const node = new DriverBench({
        driver_info: {
          ipmi_address: '127.0.0.1',
          ipmi_port: port,
          ipmi_username: 'admin',
          ipmi_password: CANARY,
        },
      });
      const call = { ...callOf(node.context()), attended, signal };
      await link.chassisPower(call).catch(() => {
        failed++; // what this bench counts
      });
    };
    await Promise.all(ports.slice(0, count).map(read));
    const wall = (performance.now() - begun) / 1000;
    const row = [String(count), String(failed), wall.toFixed(2), ((cpu() - used) / count).toFixed(2)];
    console.log(`${name.padEnd(30)} ${row.map((cell) => cell.padStart(8)).join(' ')}`);
  };

  const native = testLink(ipmiSection.parse({ link: 'native' }), directory);
  parts.defer(() => native.stop());
  await round('native, first, a session each', native, COUNT, false);
  await round('native, a session each', native, COUNT, false);
  await round('native, sessions are opened', native, COUNT, true);
  await round('native, sessions are open', native, COUNT, true);
  const ipmitool = testLink(ipmiSection.parse({ link: 'ipmitool' }), directory);
  await ipmitool.start();
  await round('ipmitool', ipmitool, BY_IPMITOOL, false);
}

/** ms of CPU that this process and its ended children have used; /proc/self/stat counts ticks of 10 ms. */
function cpu(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

await interruptible(bench);

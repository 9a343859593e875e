// Power reads of many BMCs over Redfish, as the power sync does them, beside OpenStack's client (python3-sushy).
// After `npm run build`: node dist/bench/redfish-bench.js [BMCs] [of them for sushy]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { redfishSection } from '../src/config/section/redfish.js';
import { RedfishClient } from '../src/driver/redfish/client.js';
import { RedfishMachines } from '../src/driver/redfish/machine.js';
import { RedfishManagement } from '../src/driver/redfish/management.js';
import { RedfishPower } from '../src/driver/redfish/power.js';
import { RedfishResets } from '../src/driver/redfish/resets.js';
import { runCommand } from '../src/platform/run-command.js';
import { DriverBench } from '../test/support/driver-context.js';
import { interruptible } from './interruptible.js';

const COUNT = Number(process.argv[2] ?? 1_000);
const SUSHY = Number(process.argv[3] ?? 100);
const WORKERS = 64;

const addressOf = (at: number) => `127.0.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`;

async function bench(signal: AbortSignal): Promise<void> {
  const bmcs = fork(join(import.meta.dirname, 'redfish-bmcs.js'));
  try {
    const [{ port }] = (await once(bmcs, 'message')) as [{ port: number }];
    const connections = async () => {
      const told = once(bmcs, 'message');
      bmcs.send('?');
      const [counts] = (await told) as [{ open: number; most: number }];
      return counts;
    };
    const settings = redfishSection.parse({});
    const client = new RedfishClient(settings);
    const machines = new RedfishMachines(client);
    const resets = new RedfishResets(settings);
    const power = new RedfishPower({
      machines,
      resets,
      management: new RedfishManagement({ machines, resets, settings }),
    });
    const contexts = Array.from({ length: COUNT }, (_, at) => {
      const node = new DriverBench({
        driver_info: {
          redfish_address: `https://${addressOf(at)}:${port}`,
          redfish_username: 'admin',
          redfish_password: 'secret',
          redfish_verify_ca: false,
        },
      });
      node.attended = false;
      return node.context();
    });
    console.log(`${COUNT} BMCs over TLS, ${WORKERS} reads at once; CPU is that of the reading process alone`);
    for (const round of ['login and first read', 'a round', 'a round']) {
      await connections();
      const left = [...contexts];
      const cpu = process.cpuUsage();
      const started = performance.now();
      const work = async () => {
        for (let context = left.pop(); context; context = left.pop()) {
          signal.throwIfAborted();
          if ((await power.getPowerState(context)) !== 'power on') throw new Error('a wrong answer');
        }
      };
      await Promise.all(Array.from({ length: WORKERS }, work));
      const took = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      const { open, most } = await connections();
      const each = (user + system) / 1000 / COUNT;
      console.log(
        `ferric, ${round}: ${took.toFixed(0)} ms wall, ${each.toFixed(2)} ms CPU a read, at most ${most} connections, ${open} left open`,
      );
    }
    await client.stop();
    const { stdout } = await runCommand({
      file: '/usr/bin/python3',
      args: ['-c', READS, String(port), String(SUSHY)],
      timeout: 300_000,
      signal,
    });
    console.log(stdout.trim());
  } finally {
    bmcs.disconnect();
  }
}

/** As in Ironic: a persistent client for each BMC, and a refresh of its system for each read. */
const READS = `
import sys, time, warnings
warnings.filterwarnings('ignore')
import sushy
from sushy import auth
port, count = sys.argv[1], int(sys.argv[2])
def address(at): return '127.0.%d.%d' % (1 + at // 250, 1 + at % 250)
cpu, wall = time.process_time(), time.time()
systems = []
for at in range(count):
    client = sushy.Sushy('https://%s:%s' % (address(at), port), auth=auth.SessionOrBasicAuth('admin', 'secret'), verify=False)
    systems.append(client.get_system())
def told(what, cpu, wall):
    each = (time.process_time() - cpu) * 1000 / count
    print('sushy %s, %s: %d BMCs, %.0f ms wall, %.2f ms CPU a read' % (__import__('importlib.metadata').metadata.version('sushy'), what, count, (time.time() - wall) * 1000, each))
told('login and first read', cpu, wall)
for _ in range(2):
    cpu, wall = time.process_time(), time.time()
    for system in systems:
        system.refresh(force=True)
        assert system.power_state == sushy.SYSTEM_POWER_STATE_ON
    told('a round', cpu, wall)
`;

await interruptible(bench);

// User and system CPU time of one `ipmitool power status`: ipmitool as installed, and as the daemon calls it.
// After `npm run build`, as root: node dist/bench/ipmitool-bench.js [calls]
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFleet, directBoot } from '../lab/simulated/fleet.js';
import { ipmiSection } from '../src/config/section/ipmi.js';
import { parseTarget } from '../src/driver/ipmi/arguments.js';
import { powerStatus } from '../src/driver/ipmi/commands.js';
import { Ipmitool } from '../src/driver/ipmi/ipmitool.js';
import { CommandProcess } from '../src/platform/command-process.js';
import { createLogger } from '../src/platform/logger.js';
import { interruptible } from './interruptible.js';
import { childrenOf, cpuOf, cpuOfTree } from './process-figures.js';

const CALLS = Number(process.argv[2] ?? 200);

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-bench-'));
  parts.defer(() => rmSync(directory, { recursive: true }));
  const boot = directBoot('http://127.0.0.1:1/none');
  const fleet = parts.use(await createFleet({ count: 1, directory: join(directory, 'disks'), boot }));
  const { address, users } = fleet.nodes[0]!;
  const { name, password } = users[0]!;
  const commands = new CommandProcess();
  parts.defer(() => commands.close());
  const settings = ipmiSection.parse({});
  const ipmitool = new Ipmitool({
    settings,
    runtimeDirectory: directory,
    run: (command) => commands.run(command),
  });
  await ipmitool.start();
  const target = parseTarget({
    ipmi_address: address.host,
    ipmi_port: address.port,
    ipmi_username: name,
    ipmi_password: password,
  });
  const log = createLogger('silent');
  const fence = async () => undefined;
  const ours = () => ipmitool.execute({ target, command: powerStatus, attended: true, fence, signal, log });
  const plain = () =>
    commands.run({
      file: settings.program,
      args: [
        '-I',
        'lanplus',
        '-H',
        address.host,
        '-p',
        String(address.port),
        '-U',
        name,
        '-E',
        'power',
        'status',
      ],
      env: { IPMITOOL_PASSWORD: password, HOME: '/nonexistent' },
      timeout: 20_000,
      signal,
    });
  const server = childrenOf(process.pid, /command-server/)[0]!;
  console.log(`${CALLS} calls each, one after another; load ${loadavg()[0]!.toFixed(1)}`);
  for (const [label, call] of [
    ['ipmitool as installed', plain],
    ['as the daemon calls it', ours],
  ] as const) {
    const before = { tree: cpuOfTree(server), own: ownCpu(server) };
    for (let i = 0; i < CALLS; i++) await call();
    const own = ownCpu(server) - before.own;
    const programs = cpuOfTree(server) - before.tree - own;
    const ms = (seconds: number) => `${((seconds / CALLS) * 1000).toFixed(1)} ms`;
    console.log(`${label.padEnd(24)} CPU ${ms(programs).padStart(8)}, and ${ms(own)} to start it`);
  }
}

function ownCpu(pid: number): number {
  const { main, threads } = cpuOf(pid);
  return main + threads;
}

await interruptible(bench);

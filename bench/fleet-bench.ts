// Simulated machines from available to active together: wall time, the daemon's peak memory and event loop delay.
// After `npm run build`, as root: node dist/bench/fleet-bench.js [machines]
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { ImageServer } from '../lab/image-server.js';
import { createFleet, directBoot, type SimulatedNode } from '../lab/simulated/fleet.js';

const COUNT = Number(process.argv[2] ?? 200);
const PORTS = { api: 26385, agent: 26386, http: 28080 };
const IMAGE_BYTES = 4 * 2 ** 20;
const API = `http://127.0.0.1:${PORTS.api}`;
/** Requests of the bench under way at once. */
const PARALLEL = 16;

const directory = mkdtempSync(join(tmpdir(), 'ferric-fleet-'));
chmodSync(directory, 0o755);

async function main(): Promise<void> {
  const daemon = startDaemon();
  const images = await ImageServer.listen();
  const fleet = await createFleet({
    count: COUNT,
    directory: join(directory, 'disks'),
    boot: directBoot(`http://127.0.0.1:${PORTS.http}/boot.ipxe`),
    diskSize: 64 * 2 ** 20,
  });
  try {
    await daemon.ready;
    const image = randomBytes(IMAGE_BYTES);
    images.publish('/disk.raw', image);
    const image_source = images.url('/disk.raw');
    const image_checksum = createHash('sha256').update(image).digest('hex');

    const enrol = await timed(() =>
      each(fleet.nodes, (node) => enrolNode(node, { image_source, image_checksum })),
    );
    const verify = await timed(() => verb(fleet.nodes, 'manage', 'manageable'));
    const clean = await timed(() => verb(fleet.nodes, 'provide', 'available'));
    const cpu = cpuSeconds(daemon.pid);
    const deploy = await timed(() => verb(fleet.nodes, 'active', 'active'));
    const burnt = cpuSeconds(daemon.pid) - cpu;
    const peak = peakMemory(daemon.pid);
    const vitals = await daemon.stop();
    const rows: [string, string, string][] = [
      ['machines', String(COUNT), ''],
      ['enrolled', `${enrol.toFixed(1)} s`, ''],
      ['verified (manage)', `${verify.toFixed(1)} s`, ''],
      ['cleaned (provide)', `${clean.toFixed(1)} s`, ''],
      ['available to active', `${deploy.toFixed(1)} s`, ''],
      ['daemon CPU of that', `${burnt.toFixed(1)} s`, ''],
      ['daemon peak RSS', `${peak} MB`, 'goal < 400 MB'],
      ['heap, external at the end', `${vitals['heap_mib']}, ${vitals['external_mib']} MB`, ''],
      ['event loop delay p99', `${vitals['loop_delay_p99_ms']} ms`, 'goal < 50 ms'],
      ['event loop delay max', `${vitals['loop_delay_max_ms']} ms`, ''],
    ];
    for (const [name, value, goal] of rows) console.log(`${name.padEnd(26)}${value.padStart(12)}   ${goal}`);
  } finally {
    await fleet.close();
    await images.close();
    await daemon.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function startDaemon() {
  mkdirSync(join(directory, 'images'));
  for (const name of ['kernel', 'ramdisk'])
    writeFileSync(join(directory, 'images', name), randomBytes(2 ** 20));
  const file = join(directory, 'ferric.yaml');
  const config = {
    data_dir: join(directory, 'data'),
    api: { listen: { port: PORTS.api } },
    agent: { listen: { port: PORTS.agent }, requests_per_minute: 100_000 },
    conductor: { max_concurrent_deploy: 10_000, max_concurrent_clean: 10_000 },
    deploy: { erase_devices_priority: 0 },
    image: { allowed_file_paths: [join(directory, 'images')], allowed_networks: ['127.0.0.0/8'] },
    netboot: { http: { port: PORTS.http, max_connections_per_client: 4096 } },
  };
  writeFileSync(file, stringify(config));
  const program = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? []), program, '--config', file],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let last: Record<string, unknown> = {};
  let rest = '';
  const started = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const entry = JSON.parse(line) as Record<string, unknown>;
      if (entry['msg'] === 'vitals') last = entry;
      if (entry['msg'] === 'ferric is ready') started.resolve();
      if (entry['level'] === 'error') console.error(line.slice(0, 400));
    }
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => started.reject(new Error('the daemon ended')));
  started.promise.catch(() => undefined);
  return {
    pid: child.pid!,
    ready: started.promise,
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      await ended;
      return last;
    },
  };
}

async function enrolNode(node: SimulatedNode, instance_info: Record<string, string>): Promise<void> {
  const { name, password } = node.users[0]!;
  await api('POST', '/v1/nodes', {
    uuid: node.uuid,
    name: node.name,
    driver: 'ipmi',
    driver_info: {
      ipmi_address: node.address.host,
      ipmi_port: node.address.port,
      ipmi_username: name,
      ipmi_password: password,
      deploy_kernel: `file://${join(directory, 'images', 'kernel')}`,
      deploy_ramdisk: `file://${join(directory, 'images', 'ramdisk')}`,
    },
    instance_info,
  });
  await api('POST', '/v1/ports', { node_uuid: node.uuid, address: node.mac });
}

async function verb(nodes: readonly SimulatedNode[], target: string, reached: string): Promise<void> {
  await each(nodes, (node) => api('PUT', `/v1/nodes/${node.uuid}/states/provision`, { target }));
  const deadline = performance.now() + 900_000;
  for (;;) {
    const { nodes: rows } = await api('GET', '/v1/nodes?fields=uuid,provision_state,last_error&limit=1000');
    const states = Map.groupBy(
      rows as { provision_state: string; last_error: string }[],
      (row) => row.provision_state,
    );
    if (states.get(reached)?.length === nodes.length) return;
    const failed = [...states].find(
      ([state]) => /failed|error/.test(state) || (state === 'enroll' && target !== 'manage'),
    );
    if (failed) throw new Error(`${failed[1].length} in "${failed[0]}": ${failed[1][0]!.last_error}`);
    if (performance.now() > deadline) throw new Error(`not all ${reached}: ${[...states.keys()].join(', ')}`);
    await sleep(250);
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) await work(item);
    }),
  );
}

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(API + path, {
    method,
    headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.82' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

/** @returns seconds */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function peakMemory(pid: number): number {
  const line = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line![1]) / 1024);
}

/** User and system time, children that ended included (ipmitool). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

await main();

// Simulated machines through their life cycle together: wall time, the daemon's peak memory and event loop delay.
// After `npm run build`, as root: node dist/bench/fleet-bench.js [machines]
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { ImageServer } from '../lab/image-server.js';
import { createFleet, directBoot, type SimulatedNode } from '../lab/simulated/fleet.js';
import { wholeDisk } from '../test/support/whole-disk.js';
import { BenchDaemon, probeIdle } from './bench-daemon.js';
import { interruptible } from './interruptible.js';
import { Meter, type PhaseFigures } from './meter.js';

const COUNT = Number(process.argv[2] ?? 200);
const PORTS = { api: 26385, agent: 26386, http: 28080 };
const IMAGE_BYTES = 4 * 2 ** 20;
const API = `http://127.0.0.1:${PORTS.api}`;
/** Concurrent requests of the bench. */
const PARALLEL = 16;
/** Timeout for one verb on all machines, ms. */
const PATIENCE = 900_000;

async function bench(signal: AbortSignal): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'ferric-fleet-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  chmodSync(directory, 0o755);
  const daemon = parts.use(new BenchDaemon(directory, writeConfig(directory)));
  const idle = parts.use(probeIdle(directory));
  const images = parts.use(await ImageServer.listen());
  const fleet = parts.use(
    await createFleet({
      count: COUNT,
      directory: join(directory, 'disks'),
      boot: directBoot(`http://127.0.0.1:${PORTS.http}/boot.ipxe`),
      diskSize: 64 * 2 ** 20,
    }),
  );
  await daemon.ready;
  const { nodes } = fleet;
  const image = wholeDisk(IMAGE_BYTES);
  images.publish('/disk.raw', image);
  const image_source = images.url('/disk.raw');
  const image_checksum = createHash('sha256').update(image).digest('hex');
  const files = join(directory, 'images');
  const meter = new Meter(daemon, idle);

  console.log(`${COUNT} machines; load ${loadavg()[0]!.toFixed(1)} before\n`);
  console.log(Meter.HEADER);
  const phase = async (name: string, work: () => Promise<void>): Promise<PhaseFigures> => {
    const figures = await meter.phase(work);
    console.log(meter.row(name, figures));
    return figures;
  };
  await phase('enrol', () =>
    each(nodes, (node) => enrolNode(node, files, { image_source, image_checksum }, signal)),
  );
  await phase('manage', () => verb(nodes, 'manage', 'manageable', signal));
  await phase('provide', () => verb(nodes, 'provide', 'available', signal));
  const deploy = await phase('active', () => verb(nodes, 'active', 'active', signal));
  await phase('deleted', () => verb(nodes, 'deleted', 'available', signal));

  const { peak, anonymous, file, helper } = meter.memory();
  const { p99, own, idleP99 } = deploy;
  console.log(`
available to active   ${deploy.wall.toFixed(1)} s
peak RSS              ${peak.toFixed(0)} MB (goal < 400), at most ${anonymous.toFixed(0)} MB of it the daemon's alone, ${file.toFixed(0)} MB its program file;
                      beside it the process that starts ipmitool: ${helper.toFixed(0)} MB
event loop delay p99  ${p99.toFixed(1)} ms (goal < 50), of which the loop itself ran ${own.toFixed(1)} ms; of an idle process beside it ${idleP99.toFixed(1)} ms`);
}

/** @returns the path of the configuration */
function writeConfig(directory: string): string {
  mkdirSync(join(directory, 'images'));
  for (const name of ['kernel', 'ramdisk'])
    writeFileSync(join(directory, 'images', name), randomBytes(2 ** 20));
  const path = join(directory, 'ferric.yaml');
  const config = {
    data_dir: join(directory, 'data'),
    api: { listen: { port: PORTS.api } },
    agent: { listen: { port: PORTS.agent }, requests_per_minute: 100_000 },
    conductor: { max_concurrent_deploy: 10_000, max_concurrent_clean: 10_000 },
    deploy: { erase_devices_priority: 0 },
    image: { allowed_file_paths: [join(directory, 'images')], allowed_networks: ['127.0.0.0/8'] },
    netboot: { http: { port: PORTS.http, max_connections_per_client: 4096 } },
  };
  writeFileSync(path, stringify(config));
  return path;
}

async function enrolNode(
  node: SimulatedNode,
  files: string,
  instance_info: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const { name, password } = node.users[0]!;
  await api('POST', '/v1/nodes', signal, {
    uuid: node.uuid,
    name: node.name,
    driver: 'ipmi',
    driver_info: {
      ipmi_address: node.address.host,
      ipmi_port: node.address.port,
      ipmi_username: name,
      ipmi_password: password,
      deploy_kernel: `file://${join(files, 'kernel')}`,
      deploy_ramdisk: `file://${join(files, 'ramdisk')}`,
    },
    instance_info,
  });
  await api('POST', '/v1/ports', signal, { node_uuid: node.uuid, address: node.mac });
}

async function verb(
  nodes: readonly SimulatedNode[],
  target: string,
  reached: string,
  signal: AbortSignal,
): Promise<void> {
  await each(nodes, (node) => api('PUT', `/v1/nodes/${node.uuid}/states/provision`, signal, { target }));
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const path = '/v1/nodes?fields=uuid,provision_state,last_error&limit=1000';
    const { nodes: rows } = await api('GET', path, signal);
    const states = Map.groupBy(
      rows as { provision_state: string; last_error: string }[],
      (row) => row.provision_state,
    );
    if (states.get(reached)?.length === nodes.length) return;
    const failed = [...states].find(
      ([state]) => /failed|error/.test(state) || (state === 'enroll' && target !== 'manage'),
    );
    if (failed) throw new Error(`${failed[1].length} in "${failed[0]}": ${failed[1][0]!.last_error}`);
    if (performance.now() > deadline) {
      const counts = [...states].map(([state, rows]) => `${rows.length} ${state}`);
      throw new Error(`not all ${reached} after ${PATIENCE / 1000} s: ${counts.join(', ')}`);
    }
    await sleep(250, undefined, { signal });
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

async function api(
  method: string,
  path: string,
  signal: AbortSignal,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(API + path, {
    method,
    signal,
    headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.82' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

await interruptible(bench);

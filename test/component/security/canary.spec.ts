import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ImageServer } from '../../../lab/image-server.js';
import { createFleet, directBoot, type Fleet } from '../../../lab/simulated/fleet.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { freePort } from '../../support/free-port.js';
import { wholeDisk } from '../../support/whole-disk.js';

/** Every secret that an operator or a machine hands to the daemon. None may be seen anywhere but where it belongs. */
const CANARIES = {
  bmc: 'canary-bmc-q7w',
  wrongBmc: 'canary-wrong-k2p',
  userData: 'canary-userdata-h4x',
  extraToken: 'canary-token-m9z',
  login: 'canary-login-t3v',
  loginToken: 'canary-keystone-r8d',
};
const forms = (text: string) => [
  text,
  encodeURIComponent(text),
  Buffer.from(text).toString('hex'),
  // base64 in any alignment: the inner characters do not depend on what stands before
  ...[0, 1, 2].map((shift) =>
    Buffer.from(' '.repeat(shift) + text)
      .toString('base64')
      .slice(shift + 2, -4),
  ),
];

function found(text: string, secrets: readonly string[]): string[] {
  return secrets.flatMap(forms).filter((form) => text.includes(form));
}

let home: DaemonHome;
let fleet: Fleet;
let images: ImageServer;
let daemon: RunningDaemon;
const answers: string[] = [];
const seenArguments = new Set<string>();
let watching = true;
let watcher: Promise<void>;

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

async function watchArguments(): Promise<void> {
  while (watching) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      seenArguments.add(argumentsOf(pid));
    }
    await sleep(2);
  }
}

/** Any status: what an error says is looked at too. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(daemon.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-openstack-ironic-api-version': '1.115',
      authorization: `Basic ${Buffer.from(`alice:${CANARIES.login}`).toString('base64')}`,
      'x-auth-token': CANARIES.loginToken,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  answers.push(text, JSON.stringify([...response.headers]));
  return {
    status: response.status,
    json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

async function reach(uuid: string, target: string, state: string): Promise<void> {
  const accepted = await ask('PUT', `/v1/nodes/${uuid}/states/provision`, {
    target,
    ...(target === 'active' ? { configdrive: { user_data: CANARIES.userData } } : {}),
  });
  expect(accepted.status, JSON.stringify(accepted.json)).toBe(202);
  for (let i = 0; i < 1_200; i++) {
    const { json } = await ask('GET', `/v1/nodes/${uuid}`);
    if (json['provision_state'] === state && json['reservation'] === null) return;
    if (/failed/.test(String(json['provision_state']))) throw new Error(String(json['last_error']));
    await sleep(100);
  }
  throw new Error(`${uuid} did not become ${state}`);
}

beforeAll(async () => {
  const http = await freePort();
  home = new DaemonHome({
    netboot: { http: { port: http } },
    image: { allowed_networks: ['127.0.0.0/8'] },
    deploy: { erase_devices_priority: 0 },
    log: { level: 'debug' },
  });
  const files = join(home.directory, 'images');
  mkdirSync(files);
  for (const name of ['kernel', 'ramdisk']) writeFileSync(join(files, name), randomBytes(4096));
  fleet = await createFleet({
    count: 1,
    directory: join(home.directory, 'disks'),
    boot: directBoot(`http://127.0.0.1:${http}/boot.ipxe`),
    firstAddress: '127.77.0.1',
    users: [{ name: 'admin', password: CANARIES.bmc, privilege: 'administrator' }],
    diskSize: 128 * 2 ** 20,
  });
  images = await ImageServer.listen();
  daemon = await home.start({ FERRIC_IMAGE__ALLOWED_FILE_PATHS: `[${files}]` });
  watcher = watchArguments();
});

afterAll(async () => {
  watching = false;
  await watcher;
  await fleet.close();
  await images.close();
  await home.remove();
});

it('no secret leaves the places where it belongs, in a whole deployment and in its failures', async () => {
  const machine = fleet.nodes[0]!;
  const files = join(home.directory, 'images');
  const driver_info = {
    ipmi_address: machine.address.host,
    ipmi_port: machine.address.port,
    ipmi_username: 'admin',
    ipmi_password: CANARIES.wrongBmc,
    deploy_kernel: `file://${files}/kernel`,
    deploy_ramdisk: `file://${files}/ramdisk`,
    some_auth_token: CANARIES.extraToken,
  };
  const { uuid } = (await ask('POST', '/v1/nodes', { uuid: machine.uuid, driver: 'ipmi', driver_info })).json;
  const node = String(uuid);
  await ask('POST', '/v1/ports', { node_uuid: node, address: machine.mac });

  // Refusals repeat what was sent: with a secret in the wrong place, too.
  await ask('POST', '/v1/nodes', { driver: 'ipmi', driver_info: CANARIES.bmc });
  await ask('PATCH', `/v1/nodes/${node}`, [
    { op: 'add', path: '/driver_info/ipmi_priv_level', value: 'NOBODY' },
  ]);
  await ask('GET', `/v1/nodes/${node}/validate`);
  await ask('PATCH', `/v1/nodes/${node}`, [{ op: 'remove', path: '/driver_info/ipmi_priv_level' }]);

  await ask('PUT', `/v1/nodes/${node}/states/provision`, { target: 'manage' });
  for (let i = 0; i < 600; i++) {
    const { json } = await ask('GET', `/v1/nodes/${node}`);
    if (json['provision_state'] === 'enroll' && json['last_error']) break;
    await sleep(100);
  }
  expect((await ask('GET', `/v1/nodes/${node}`)).json['last_error']).toMatch(/password|authenticat/i);
  await ask('PATCH', `/v1/nodes/${node}`, [
    { op: 'replace', path: '/driver_info/ipmi_password', value: CANARIES.bmc },
  ]);
  await reach(node, 'manage', 'manageable');
  await reach(node, 'provide', 'available');
  const disk = wholeDisk(2 ** 21);
  images.publish('/disk.raw', disk);
  await ask('PATCH', `/v1/nodes/${node}`, [
    { op: 'add', path: '/instance_info/image_source', value: images.url('/disk.raw') },
    {
      op: 'add',
      path: '/instance_info/image_checksum',
      value: createHash('sha256').update(disk).digest('hex'),
    },
    { op: 'add', path: '/instance_info/image_disk_format', value: 'raw' },
  ]);
  await reach(node, 'active', 'active');
  for (const path of [
    '/v1/nodes/detail',
    `/v1/nodes/${node}/history`,
    `/v1/nodes/${node}/states`,
    '/v1/ports/detail',
    '/v1/conductors',
  ]) {
    await ask('GET', path);
  }
  await daemon.stop();

  const secrets = Object.values(CANARIES);
  const places: Record<string, string> = {
    'the log': home.log(),
    answers: answers.join('\n'),
    'argument lists': [...seenArguments].join('\n'),
    ...filesBelow(join(home.directory, 'data')),
  };
  expect(places['the log']).toContain('"level":"debug"');
  expect(seenArguments.size).toBeGreaterThan(20);
  expect([...seenArguments].some((line) => line.startsWith('ipmitool'))).toBe(true);
  expect(Object.keys(places).filter((name) => name.includes('postgresql/cluster')).length).toBeGreaterThan(
    50,
  );
  const leaks = Object.entries(places).flatMap(([name, text]) =>
    found(text, secrets).map((form) => `${name}: ${form}`),
  );
  expect(leaks).toEqual([]);
  // The net itself: it catches what it is made for.
  for (const secret of secrets) {
    const hidden = [
      secret,
      JSON.stringify({ a: `x${Buffer.from(`ab${secret}cd`).toString('base64')}` }),
      Buffer.from(secret).toString('hex'),
    ];
    for (const text of hidden) expect(found(text, secrets).length).toBeGreaterThan(0);
  }
}, 180_000);

function filesBelow(directory: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const path = join(directory, name);
    if (statSync(path).isFile()) files[path] = readFileSync(path, 'latin1');
  }
  return files;
}

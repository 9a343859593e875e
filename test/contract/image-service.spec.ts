// Debian's openstack and glance clients, unmodified, against the daemon as it is shipped. The first chapter is the guide
// "Create and add images to the Image service" of Ironic's documentation, its commands word for word.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../support/daemon.js';

let home: DaemonHome;
let daemon: RunningDaemon;
let work: string | undefined;
const files: Record<string, Buffer> = {};

async function shell(script: string) {
  const result = await runCommand({
    file: '/bin/sh',
    args: ['-c', `cd "$WORK"; { ${script}\n} 2>&1`],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      OS_AUTH_TYPE: 'none',
      OS_ENDPOINT: daemon.url,
      WORK: work!,
      HOME: work!,
      COLUMNS: '400',
    },
    timeout: 280_000,
    maxOutput: 1 << 20,
  });
  return result.stdout;
}

/** One `openstack` for many commands, one a line: as its users at a prompt, and without its start each time. */
async function openstack(...commands: string[]): Promise<string> {
  await writeFile(join(work!, 'commands'), `${commands.join('\n')}\n`);
  return shell('openstack < commands');
}

/** `glance` likewise: its own entry point for each line, in one Python. */
async function glance(...commands: string[]): Promise<string> {
  await writeFile(join(work!, 'commands'), `${commands.join('\n')}\n`);
  await writeFile(
    join(work!, 'glance.py'),
    `import shlex
from glanceclient.shell import OpenStackImagesShell
for line in open('commands'):
    try:
        OpenStackImagesShell().main(['--os-image-url', '${daemon.url}', '--os-auth-token', 'x'] + shlex.split(line))
    except (Exception, SystemExit) as e:
        print('FAILED', line, repr(e))
`,
  );
  // Where it is no terminal, standard input is what is imported. With OS_AUTH_TYPE glance wants that plugin's options.
  return shell('unset OS_AUTH_TYPE OS_ENDPOINT; python3 glance.py < disk');
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any
const images = async (query = ''): Promise<any[]> =>
  ((await (await fetch(`${daemon.url}/v2/images${query}`)).json()) as { images: never[] }).images;
const named = async (name: string, more = '') => (await images(`?name=${name}${more}`))[0];

beforeAll(async () => {
  home = new DaemonHome({ image: { allowed_networks: ['127.0.0.0/8'] } });
  daemon = await home.start();
  work = await mkdtemp(join(tmpdir(), 'ferric-images-'));
  for (const name of [
    'my-image.vmlinuz',
    'my-image.initrd',
    'ironic-python-agent.vmlinuz',
    'ironic-python-agent.initramfs',
  ])
    files[name] = randomBytes(200_000);
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(work!, name), bytes);
  await shell(`truncate -s 24M fs disk; mke2fs -q -t ext4 -F fs; echo ',,L' | sfdisk -q disk
    qemu-img convert -c -O qcow2 fs my-image.qcow2; qemu-img convert -c -O qcow2 disk my-whole-disk-image.qcow2
    qemu-img create -q -f qcow2 -b disk -F raw linked.qcow2`);
});
afterAll(async () => {
  await home?.remove();
  if (work) await rm(work, { recursive: true, force: true });
});

describe('the guide', () => {
  it('adds kernel and ramdisk, the partition image with them, a whole-disk image, and the deploy pair', async () => {
    const first = await openstack(
      'image create my-kernel --public --disk-format aki --container-format aki --file my-image.vmlinuz',
      'image create my-image.initrd --public --disk-format ari --container-format ari --file my-image.initrd',
    );
    const MY_VMLINUZ_UUID = (await named('my-kernel')).id;
    const MY_INITRD_UUID = (await named('my-image.initrd')).id;
    const second = await openstack(
      `image create my-image --public --disk-format qcow2 --container-format bare --property kernel_id=${MY_VMLINUZ_UUID} --property ramdisk_id=${MY_INITRD_UUID} --file my-image.qcow2`,
      'image create my-whole-disk-image --public --disk-format qcow2 --container-format bare --file my-whole-disk-image.qcow2',
      'image create deploy-vmlinuz --public --disk-format aki --container-format aki --file ironic-python-agent.vmlinuz',
      'image create deploy-initrd --public --disk-format ari --container-format ari --file ironic-python-agent.initramfs',
    );
    const log = first + second;
    expect(log).not.toMatch(/error|exception/i);
    const all = await images('?sort=created_at:asc');
    expect(all.map(({ name, status, visibility }) => [name, status, visibility])).toEqual(
      [
        'my-kernel',
        'my-image.initrd',
        'my-image',
        'my-whole-disk-image',
        'deploy-vmlinuz',
        'deploy-initrd',
      ].map((name) => [name, 'active', 'public']),
    );
    const [kernel, ramdisk, partition, whole] = all;
    expect(partition).toMatchObject({ kernel_id: kernel.id, ramdisk_id: ramdisk.id, virtual_size: 24 << 20 });
    expect('kernel_id' in whole).toBe(false);
    expect(kernel.os_hash_value).toBe(createHash('sha512').update(files['my-image.vmlinuz']!).digest('hex'));
  });
});

describe('one OS_ENDPOINT', () => {
  it('serves baremetal, openstack baremetal and openstack image', async () => {
    const metal = await shell(`baremetal node create --driver fake-hardware --name shared -f value -c name
      baremetal node manage shared --wait 60`);
    expect(metal).toBe('shared\nWaiting for provision state manageable on node shared\n');
    const log = await openstack(
      'baremetal node show shared -f value -c provision_state -c driver',
      'image create shared --disk-format raw --container-format bare --file disk -f value -c name',
      'image list --name shared -f value -c Name -c Status',
      'image delete shared',
      'baremetal node delete shared',
    );
    for (const line of ['manageable', 'shared active', 'Deleted node shared']) expect(log).toContain(line);
  });

  it('serves both APIs of one connection of the SDK', async () => {
    await writeFile(
      join(work!, 'one.py'),
      `import openstack
cloud = openstack.connect(auth_type='none', auth={'endpoint': '${daemon.url}'})
node = cloud.baremetal.create_node(driver='fake-hardware', name='both', provision_state='enroll')
cloud.baremetal.set_node_provision_state(node, 'manage', wait=True, timeout=60)
print(cloud.baremetal.get_node('both').provision_state, cloud.baremetal.get_endpoint())
image = cloud.image.create_image('both', filename='disk', disk_format='raw', container_format='bare', wait=True)
print(cloud.image.get_image(image.id).status, [one.name for one in cloud.image.images(name='both')])
cloud.image.delete_image(image.id)
cloud.baremetal.delete_node('both')
`,
    );
    expect((await shell('python3 one.py')).trim().split('\n')).toEqual([
      `manageable ${daemon.url}/v2/`,
      "active ['both']",
    ]);
  });

  it('answers at /v2 for Bare Metal as at /v1, with links to /v1', async () => {
    const { versions } = (await (await fetch(daemon.url)).json()) as {
      versions: { id: string; version: string; links: { href: string }[] }[];
    };
    expect(versions.map(({ id }) => id).slice(0, 2)).toEqual(['v1', 'v2.15']);
    expect(new Set(versions.map(({ version }) => version))).toEqual(new Set(['1.115']));
    const ask = async (path: string) => {
      const headers = { 'openstack-api-version': 'baremetal 1.90' };
      const answer = await fetch(daemon.url + path, { headers });
      return [answer.status, answer.headers.get('x-openstack-ironic-api-version'), await answer.json()];
    };
    for (const path of [
      '/nodes?limit=1',
      '/drivers/fake-hardware',
      '/nodes/nosuch',
      '/ports?fields=nosuch',
    ]) {
      const below = await ask(`/v1${path}`);
      expect([path, await ask(`/v2${path}`)]).toEqual([path, below]);
      expect(JSON.stringify(below)).not.toContain('/v2/nodes');
    }
  });
});

describe('openstack image', () => {
  it('sets, unsets, lists, saves, hides, protects, deactivates, imports and deletes', async () => {
    const log = await openstack(
      'image create one --disk-format raw --container-format bare --file disk --tag t1',
      'image set --property a=b --property c=d --tag t2 --min-ram 5 --min-disk 6 --protected --name two one',
      'image unset --property a --tag t1 two',
      'image delete two',
      'image set --unprotected --hidden --community two',
      'image list -f value -c Name',
      'image list --hidden --community -f value -c Name',
      'image set --deactivate my-kernel',
      'image save --file kernel my-kernel',
      'image set --activate my-kernel',
      'image create three --disk-format raw --container-format bare --file disk --import',
      'image list --public --sort name:desc --limit 2 -f value -c Name',
      'image list --property kernel_id=none -f value -c ID',
      'image member list three -f json',
      'image create bad --disk-format qcow2 --container-format bare --file linked.qcow2',
      'image create worse --disk-format qcow2 --container-format bare --file disk',
    );
    expect(log).toMatch(/403.*protected and cannot be deleted/);
    // The client sorts what the service has limited: the two newest.
    expect(log).toContain('deploy-vmlinuz\ndeploy-initrd\n');
    expect(log).toMatch(/400.*The image was refused: .*(backing file)/);
    expect(log).toMatch(/400.*The image is declared as qcow2, but it is gpt/);
    const two = await named('two', '&os_hidden=true&visibility=community');
    // Out of the plain listing, and alone in the one of the hidden and community images.
    expect(log.split('\n').filter((line) => line === 'two')).toHaveLength(1);
    expect(two).toMatchObject({ c: 'd', tags: ['t2'], min_ram: 5, min_disk: 6, visibility: 'community' });
    expect('a' in two).toBe(false);
    expect(await readFile(join(work!, 'kernel'))).toEqual(files['my-image.vmlinuz']);
    await expect.poll(async () => (await named('three')).status, { timeout: 20_000 }).toBe('active');
    expect((await named('three')).os_hash_value).toBe(two.os_hash_value);
    expect(await openstack(`image delete ${two.id} three`)).not.toMatch(/error|failed/i);
    expect(await named('three')).toBeUndefined();
  });
});

describe('glance', () => {
  it('creates, uploads, updates, shares, tags, downloads, imports and deletes', async () => {
    const id = '5ba8d3b6-6f3b-4a8d-9c55-6fd0f3c0a001';
    const log = await glance(
      `image-create --id ${id} --name g --disk-format raw --container-format bare --file disk`,
      `image-update --property x=y --min-ram 7 ${id}`,
      `image-tag-update ${id} seven`,
      `member-create ${id} 0123456789abcdef`,
      `member-update ${id} 0123456789abcdef accepted`,
      `member-list --image-id ${id}`,
      'image-list --limit 1',
      `image-download --file back ${id}`,
      'stores-info',
      'import-info',
      'image-create-via-import --name w --disk-format raw --container-format bare --import-method glance-direct',
      `image-delete ${id}`,
    );
    expect(log).not.toContain('FAILED');
    expect(await shell('cmp disk back && echo IDENTICAL')).toContain('IDENTICAL');
    expect(log).toMatch(/0123456789abcdef *\| *accepted/);
    expect(log).toMatch(/x *\| *y/);
    await expect.poll(async () => (await named('w')).status, { timeout: 20_000 }).toBe('active');
    expect((await fetch(`${daemon.url}/v2/images/${id}`)).status).toBe(404);
  });
});

describe('a daemon that is killed during an upload', () => {
  it('has the image queued and nothing of its bytes afterwards, and all others', async () => {
    const { id } = (await (
      await fetch(`${daemon.url}/v2/images`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'cut', disk_format: 'aki', container_format: 'aki' }),
      })
    ).json()) as { id: string };
    // Paced: fetch reads a stream that is always ready faster than anything else gets its turn, and keeps it all.
    const endless = new ReadableStream({
      pull: async (to) => {
        await sleep(5);
        to.enqueue(new Uint8Array(65_536));
      },
    });
    const end = new AbortController();
    const upload = fetch(`${daemon.url}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: endless,
      duplex: 'half',
      signal: end.signal,
    } as RequestInit).catch(() => undefined);
    await expect.poll(async () => (await named('cut')).status).toBe('saving');
    daemon.process.kill('SIGKILL');
    await daemon.ended;
    end.abort();
    await upload;
    daemon = await home.start();
    expect((await named('cut')).status).toBe('queued');
    expect(await shell(`find ${home.directory}/data/image-store/parts -type f`)).toBe('');
    expect(await openstack('image save --file again my-kernel')).not.toMatch(/error/i);
    expect(await readFile(join(work!, 'again'))).toEqual(files['my-image.vmlinuz']);
  });
});

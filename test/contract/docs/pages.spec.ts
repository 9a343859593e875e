// What README, tutorial and how-to pages tell people to type: held against the clients as installed, and typed.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandError, runCommand } from '../../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { commandsOf, namedCommandsOf, PAGES, type PageCommand } from '../../support/docs/page-commands.js';
import { type ImageServer, startImageServer } from '../../support/image-server.js';
import { BaremetalClient } from '../baremetal/client.js';
import { furnish, prepare } from './workbench.js';

/** Statements that are not typed here, and where else they are. */
const NOT_TYPED: [RegExp, string][] = [
  [/^git clone/, 'the clone is this one'],
  [
    /^(sudo |IPA_KERNEL=.*)?(make|npm) /,
    'make and npm: test/unit/docs knows their targets, scripts and options',
  ],
  [/^cp config\//, 'test/unit/config reads the examples'],
  [/install-dependencies\.sh/, 'installs Debian packages'],
  [/^ssh /, 'a machine'],
  [/redfish|web-1|52:54:00:12:34:56/, 'a Redfish BMC; test/e2e/virtual-media.spec.ts'],
  [/\/inventory\b/, 'what a ramdisk found; test/component/api'],
  [/\bdb restore /, 'an empty database; test/component/daemon/backup.spec.ts'],
  [/^(cp ferric\.env|\$EDITOR|docker )/, 'a container engine; test/unit/docker reads the files'],
  [/^(\{ printf|install -m 600 secret)/, 'the data directory of root; test/unit/platform has the key file'],
  [/image build (user|deploy) /, 'takes minutes; test/images and test/component/image-build'],
  [/image import-vm /, 'libvirt; test/component/image-build'],
  [/image pipeline /, 'a build file of your own; test/images'],
  [/^htpasswd/, 'writes below /etc'],
  [/file:\/\/\/var\/lib\/ironic\/ferric/, 'an Ironic; test/interop'],
  [/^openstack role add|OS_AUTH_URL|^openstack baremetal/, 'Keystone; test/contract/keystone.spec.ts'],
];

let directory: string;
let home: DaemonHome;
let daemon: RunningDaemon;
let images: ImageServer;
let client: BaremetalClient;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ferric-pages-'));
  await furnish(directory);
  images = await startImageServer();
  images.images.set('/image.qcow2', {
    body: readFileSync(join(directory, 'my-image.qcow2')),
    lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT',
  });
  home = new DaemonHome({ image: { allowed_networks: ['127.0.0.0/8'] } });
  daemon = await home.start();
  client = await BaremetalClient.start(daemon.url, directory);
});

afterAll(async () => {
  await client?.stop();
  await home?.remove();
  await images?.close();
  rmSync(directory, { recursive: true, force: true });
});

const typed = PAGES.map((page) => ({ page, commands: commandsOf(page) }));
const all = PAGES.flatMap((page) => [...commandsOf(page), ...namedCommandsOf(page)]);
const at = ({ page, line, statement }: PageCommand) => `${page}:${line}: ${statement}`;

describe('the clients of Debian 12', () => {
  it('have every subcommand and option of `baremetal` that a page names', () => {
    const used = all.flatMap((command) => {
      if (command.program === 'baremetal') return [{ command, words: command.words }];
      const [first, ...words] = command.words;
      return command.program === 'openstack' && first === 'baremetal' ? [{ command, words }] : [];
    });
    expect(used.length).toBeGreaterThan(40);
    const faults = used.flatMap(({ command, words }) => {
      const name = [4, 3, 2, 1].map((n) => words.slice(0, n).join(' ')).find((it) => it in client.commands);
      if (name === undefined) return [`${at(command)}: no such command`];
      const known = client.commands[name]!.options;
      const unknown = optionsOf(words).filter((option) => !known.includes(option));
      return unknown.map((option) => `${at(command)}: no option ${option}`);
    });
    expect(faults).toEqual([]);
  });

  it('have every subcommand and option of `openstack` that a page names', async () => {
    const used = all.filter(({ program, words }) => program === 'openstack' && words[0] !== 'baremetal');
    const names = [...new Set(used.map(({ words }) => words.slice(0, 2).join(' ')))];
    expect(names.length).toBeGreaterThan(2);
    const faults: string[] = [];
    for (const name of names) {
      const help = await type(`openstack help ${name}`).catch(String);
      for (const command of used.filter(({ words }) => words.slice(0, 2).join(' ') === name)) {
        if (!help.startsWith('usage: openstack')) faults.push(`${at(command)}: no such command`);
        const missing = optionsOf(command.words).filter((it) => !new RegExp(`${it}(?![\\w-])`).test(help));
        faults.push(...missing.map((option) => `${at(command)}: no option ${option}`));
      }
    }
    expect(faults).toEqual([]);
  });

  it('are told keys of nodes that Ferric knows', async () => {
    const known = await Promise.all(
      ['ipmi', 'redfish', 'fake-hardware'].map((name) => daemon.api('GET', `/v1/drivers/${name}/properties`)),
    );
    const driverInfo = known.flatMap((one) => Object.keys(one));
    let source = '';
    for await (const path of glob('src/**/*.ts')) source += readFileSync(path, 'utf8');
    const isKnown = (field: string, key: string) =>
      field === 'driver-info'
        ? driverInfo.includes(key) || /^fake_delay_/.test(key)
        : new RegExp(`'${key}'|[.?]${key}\\b`).test(source);
    const given = all.flatMap((command) =>
      command.words.flatMap((word, index) => {
        const [, field] =
          /^--(driver-info|instance-info|property)$/.exec(command.words[index - 1] ?? '') ?? [];
        const isNode = command.program === 'baremetal' && field !== undefined;
        return isNode ? [{ command, field, key: word.split('=')[0]! }] : [];
      }),
    );
    expect(given.length).toBeGreaterThan(20);
    const faults = given.filter(({ field, key }) => !isKnown(field, key));
    expect(faults.map(({ command, field, key }) => `${at(command)}: ${field} ${key}`)).toEqual([]);
  });
});

describe('typed as they stand, with fake hardware', () => {
  const ran = new Set<string>();
  const left = new Set<string>();

  for (const { page, commands } of typed.filter((one) => one.commands.length > 0)) {
    it(page, { timeout: 300_000 }, async () => {
      await removeNodes();
      const exports: string[] = [];
      if (page !== 'README.md') for (const name of ['one', 'NAME']) await createNode(name);
      const lines = [...new Map(commands.map((command) => [`${command.line}`, command])).values()];
      for (const command of lines) {
        const rule = NOT_TYPED.find(([pattern]) => pattern.test(command.statement));
        if (rule) left.add(rule[1]);
        else if (command.program === 'export') exports.push(await filled(command.statement));
        else if (command.program !== 'cd') {
          const [, verb = '', node = ''] =
            /(?:baremetal|ferric) node (\w+) (one|NAME|r1)\b/.exec(command.statement) ?? [];
          const isChoice = /-interface /.test(command.statement);
          await prepare(daemon, node, isChoice ? 'choose' : verb);
          const script = [...exports, await filled(command.statement)].join('\n');
          await type(script).catch((error: unknown) => {
            const said = error instanceof CommandError ? error.result?.stderr : String(error);
            throw new Error(`${at(command)}\nas\n${script}\n${said}`, { cause: error });
          });
          ran.add(at(command));
        }
      }
    });
  }

  it('which is most of them; nothing is left out that is not there', () => {
    expect(ran.size).toBeGreaterThan(35);
    expect([...left].toSorted()).toEqual(NOT_TYPED.map(([, why]) => why).toSorted());
  });
});

const optionsOf = (words: readonly string[]) =>
  words.filter((word) => /^--\w/.test(word) && !word.startsWith('--os-')).map((word) => word.split('=')[0]!);

/** @throws the error of a script that does not end with 0 */
async function type(script: string): Promise<string> {
  const { stdout } = await runCommand({
    file: '/bin/bash',
    args: ['-c', `cd ${directory} && set -eo pipefail\n${script}`],
    env: {
      PATH: `${directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      LANG: 'C.UTF-8',
      HOME: directory,
      COLUMNS: '200',
    },
    timeout: 120_000,
  });
  return stdout;
}

/** What a reader puts in the place of names. */
async function filled(statement: string): Promise<string> {
  let text = statement
    .replaceAll('http://127.0.0.1:6385', daemon.url)
    .replaceAll('https://ferric.example.org', daemon.url)
    .replaceAll('/etc/ferric/ferric.yaml', join(home.directory, 'ferric.yaml'))
    .replaceAll('--driver ipmi', '--driver fake-hardware')
    .replaceAll('https://cloud.debian.org', 'https://images.example.org')
    .replaceAll('<node>', 'one')
    .replaceAll('…', 'x')
    .replaceAll('7340032', '655')
    .replaceAll(/\bURL(_OR_UUID)?\b/g, `${images.url}/image.qcow2`)
    .replaceAll('=VALUE', `=${'0'.repeat(64)}`);
  for (const [name, image] of Object.entries(UPLOADED))
    if (text.includes(`$${name}`)) text = text.replaceAll(`$${name}`, await imageNamed(image));
  if (text.includes('$ID')) text = text.replaceAll('$ID', await partlyUploaded());
  if (/ ID\b/.test(text)) text = text.replaceAll(/ ID\b/g, ` ${await cachedImage()}`);
  return text.replaceAll(/\$SIZE|\bSIZE\b/g, String(statSync(join(directory, 'disk.qcow2')).size));
}

/** Images that the page itself has added. */
const UPLOADED = {
  MY_VMLINUZ_UUID: 'my-kernel',
  MY_INITRD_UUID: 'my-image.initrd',
  MY_WHOLE_DISK_UUID: 'my-whole-disk-image',
  DEPLOY_VMLINUZ_UUID: 'deploy-vmlinuz',
  DEPLOY_INITRD_UUID: 'deploy-initrd',
};

async function imageNamed(name: string): Promise<string> {
  const { images: found } = (await daemon.api('GET', `/v2/images?name=${name}`)) as {
    images: { id: string }[];
  };
  return found[0]!.id;
}

let parted: string | undefined;
/** An image of which the first 65500 bytes are there. */
async function partlyUploaded(): Promise<string> {
  if (parted !== undefined) return parted;
  const disk = readFileSync(join(directory, 'disk.qcow2'));
  const image = await daemon.api('POST', '/v2/images', { disk_format: 'qcow2', container_format: 'bare' });
  parted = String(image['id']);
  const answer = await fetch(`${daemon.url}/v2/images/${parted}/file`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': `bytes 0-65499/${disk.length}`,
    },
    body: disk.subarray(0, 65_500),
  });
  expect(answer.ok).toBe(true);
  return parted;
}

async function cachedImage(): Promise<string> {
  const { images: cached } = (await daemon.api('GET', '/v1/image_cache')) as { images: { id: string }[] };
  return cached[0]!.id;
}

async function createNode(name: string): Promise<void> {
  const node = await daemon.api('POST', '/v1/nodes', { driver: 'fake-hardware', name });
  const address = name === 'one' ? '52:54:00:00:00:01' : '52:54:00:00:00:02';
  await daemon.api('POST', '/v1/ports', { node_uuid: node['uuid'], address });
}

async function removeNodes(): Promise<void> {
  const { nodes } = (await daemon.api('GET', '/v1/nodes')) as { nodes: { uuid: string }[] };
  for (const { uuid } of nodes) {
    await daemon.api('PUT', `/v1/nodes/${uuid}/maintenance`, {});
    await daemon.api('DELETE', `/v1/nodes/${uuid}`);
  }
}

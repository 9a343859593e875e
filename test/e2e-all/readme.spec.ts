// The end of the README's first machine, by its own commands: a Debian with an SSH key and user data, logged in to.
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { aMachine, availableNode, builtParts, GIB, raiseRack } from '../support/e2e/rack.js';
import { Workplace } from '../support/image-build/workplace.js';

const MINUTES = 60_000;
const NAME = 'debian-12-generic-amd64.qcow2';
const CLOUD = 'https://cloud.debian.org/images/cloud/bookworm/latest';
const place = new Workplace('readme');
afterAll(() => place.remove());

it(
  'ends with a person logged in: SSH key and user data by config drive',
  async () => {
    const { set, deploy, ssh } = commandsOfReadme();
    const { ramdisk } = await builtParts();
    // Debian's own cloud image is not built here: the same packages, by the command of docs/how-to/build-images.md.
    await place.buildDisk('one', '--efi', '--element', 'cloud-init', 'openssh-server', 'dhcp-all-interfaces');
    mkdirSync(place.path('.ssh'), { mode: 0o700 });
    const key = place.path('.ssh', 'id_ed25519');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const machine = aMachine('uefi', { name: 'one', disks: [{ bus: 'virtio', size: 6 * GIB }] });
    await using raised = await raiseRack({ machines: [machine], ramdisk });
    const { rack } = raised;
    const { api, lab, images } = rack;
    images.publish(`/${NAME}`, place.path('one.qcow2'));
    const sum = createHash('sha512')
      .update(readFileSync(place.path('one.qcow2')))
      .digest('hex');
    writeFileSync(place.path('SHA512SUMS'), `${sum}  ${NAME}\n`);
    images.publish('/SHA512SUMS', place.path('SHA512SUMS'));
    const uuid = await availableNode(rack, lab.machine('one'), 'uefi');

    const shell = async (command: string) => {
      const env = { ...process.env, HOME: place.home, OS_AUTH_TYPE: 'none', OS_ENDPOINT: api.url };
      const here = command.replaceAll(`${CLOUD}/`, images.url('/'));
      await promisify(execFile)('sh', ['-ec', here], { env, timeout: 20 * MINUTES });
    };
    await shell(set);
    await shell(deploy);
    expect(await api.node(uuid)).toMatchObject({ provision_state: 'active', last_error: null });
    const [gets] = images.requests.filter(({ path, method }) => path === `/${NAME}` && method === 'GET');
    expect(gets, 'the machine downloads the image itself').toBeDefined();

    const [user, address] = [/ssh (\w+)@/.exec(ssh)?.[1], /@10\.20\.(0\.\d+)/.exec(ssh)?.[1]];
    const options = [
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'BatchMode=yes',
    ];
    const logIn = (identity: string, command: string) =>
      lab.network.inside('ssh', [
        ...[...options, '-o', 'IdentitiesOnly=yes', '-o', 'ConnectTimeout=10', '-i', identity],
        ...[`${user}@10.77.${address}`, command],
      ]);
    const seen = await eventually(() => logIn(key, 'id -un; hostname'));
    expect(seen.trim().split('\n')).toEqual(['debian', 'one']);
    // cloud-init starts sshd before it has carried out all of the user data.
    await eventually(() => logIn(key, 'grep -x Europe/Berlin /etc/timezone'));
    const stranger = place.path('stranger');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
    await expect(logIn(stranger, 'id -un')).rejects.toThrow('Permission denied');
  },
  60 * MINUTES,
);

/** The shell commands between the cleaning and the login. */
function commandsOfReadme(): { set: string; deploy: string; ssh: string } {
  const readme = readFileSync('README.md', 'utf8');
  const [, set, deploy, ssh] =
    /\n( {4}baremetal node set one [\s\S]*?)\n( {4}baremetal node deploy one [\s\S]*?)\n {4}(ssh .*)\n/.exec(
      readme,
    ) ?? [];
  if (set === undefined || deploy === undefined || ssh === undefined)
    throw new Error('the README has no first machine any more');
  return { set, deploy, ssh };
}

/** The system's first start takes minutes under emulation. */
async function eventually(attempt: () => Promise<string>): Promise<string> {
  for (const late = performance.now() + 12 * MINUTES; ; await sleep(5_000)) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > late) throw error;
    }
  }
}

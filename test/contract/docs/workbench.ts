import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../../src/platform/run-command.js';
import type { RunningDaemon } from '../../support/daemon.js';

/** Debian's client, but that it asks fifty times as often while it waits. */
const BAREMETAL = `#!/usr/bin/python3
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: sleep(seconds / 50)
from ironicclient.shell import main
sys.exit(main())
`;
/** An answer of 400 and more is a failure. */
const CURL = '#!/bin/sh\nexec /usr/bin/curl -sS --fail-with-body "$@"\n';

/** A reader's directory: the files that the pages speak of, their own `ferric`, and a key to log in with. */
export async function furnish(directory: string): Promise<void> {
  const programs = { baremetal: BAREMETAL, curl: CURL };
  mkdirSync(join(directory, 'bin'));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(directory, 'bin', name), text);
    chmodSync(join(directory, 'bin', name), 0o755);
  }
  symlinkSync(new URL('../../../ferric', import.meta.url).pathname, join(directory, 'ferric'));
  mkdirSync(join(directory, '.ssh'));
  for (const name of ['bmc-password', 'rescue-password']) writeFileSync(join(directory, name), 'secret\n');
  writeFileSync(join(directory, 'steps.yaml'), '- {interface: deploy, step: erase_devices_metadata}\n');
  writeFileSync(join(directory, '.ssh', 'id_ed25519.pub'), 'ssh-ed25519 AAAAC3Nz reader@example.org\n');
  for (const name of ['my-image.qcow2', 'my-whole-disk-image.qcow2', 'disk.qcow2'])
    await runCommand({
      file: 'qemu-img',
      args: ['create', '-q', '-f', 'qcow2', join(directory, name), '8M'],
      timeout: 60_000,
    });
  for (const name of ['my-image.vmlinuz', 'my-image.initrd', 'deploy.kernel', 'deploy.initramfs'])
    writeFileSync(join(directory, name), `${name}\n`);
}

/** The state that a verb is asked for in. */
const BEFORE: Readonly<Record<string, string>> = {
  // An interface is not chosen while there is an instance.
  choose: 'available',
  manage: 'enroll',
  provide: 'manageable',
  inspect: 'manageable',
  clean: 'manageable',
  deploy: 'available',
  rescue: 'active',
  unrescue: 'rescue',
};

/** The verb that leads on from a state to another; what is not here is a failure. */
function verbFrom(state: string, to: string): string | undefined {
  const isOut = to === 'active' || to === 'rescue';
  if (state === 'enroll') return 'manage';
  if (state === 'manageable') return 'provide';
  if (state === 'available') return isOut ? 'active' : 'manage';
  if (state === 'active') return to === 'rescue' ? 'rescue' : 'deleted';
  return state === 'rescue' ? 'unrescue' : undefined;
}

const FAKE = ['deploy', 'inspect', 'raid', 'rescue'].map((kind) => ({
  op: 'replace',
  path: `/${kind}_interface`,
  value: 'fake',
}));

/** Brings a node of fake hardware to where a page's next verb begins; what the verb does there is fake, too. */
export async function prepare(daemon: RunningDaemon, node: string, verb: string): Promise<void> {
  const to = BEFORE[verb];
  if (to === undefined) return;
  const late = performance.now() + 60_000;
  while (performance.now() < late) {
    const shown = await daemon.api('GET', `/v1/nodes/${node}`);
    const state = String(shown['provision_state']);
    if (shown['reservation'] !== null || shown['target_provision_state'] !== null) {
      await sleep(50);
      continue;
    }
    if (['enroll', 'manageable', 'available'].includes(state))
      await daemon.api('PATCH', `/v1/nodes/${node}`, FAKE);
    if (state === to || (verb === 'choose' && state !== 'active')) return;
    const target = verbFrom(state, to);
    if (target === undefined) throw new Error(`no way from ${state} to ${to}: ${shown['last_error']}`);
    const password = target === 'rescue' ? { rescue_password: 'secret' } : {};
    await daemon.api('PUT', `/v1/nodes/${node}/states/provision`, { target, ...password });
  }
  throw new Error(`${node} did not come to ${to}`);
}

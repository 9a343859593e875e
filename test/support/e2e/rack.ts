import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { type BuiltImage, buildDeployRamdisk, buildImage, type ImageChoice } from '../../../demo/parts.js';
import { Rack, type RackOptions, sharedRoot } from '../../../demo/rack.js';
import type { LabMachine, LabMachineOptions } from '../../../lab/lab.js';

const MINUTES = 60_000;

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** Builds that all end-to-end tests share, also between runs. */
export async function builtParts(choice: ImageChoice = { system: 'tiny', format: 'raw' }) {
  const { cache } = sharedRoot();
  // Sequentially: each build uses all cores.
  const image = await buildImage(cache, choice);
  return { image, ramdisk: await buildDeployRamdisk(cache) };
}

/** A rack in a folder of its own, which is removed with it. A failed test prints the ends of its logs. */
export async function raiseRack(
  options: Omit<RackOptions, 'root' | 'name'>,
): Promise<{ rack: Rack } & AsyncDisposable> {
  const root = mkdtempSync(join(tmpdir(), 'ferric-e2e-'));
  chmodSync(root, 0o755);
  // Concurrent test files and test runs need separate namespaces.
  const name = `e2e${process.env['VITEST_POOL_ID'] ?? ''}-${process.pid}`;
  const rack = await Rack.raise({ ...options, name, root }).catch((error: unknown) => {
    rmSync(root, { recursive: true, force: true });
    throw error;
  });
  let words = '';
  onTestFailed(() => console.log(words));
  return {
    rack,
    async [Symbol.asyncDispose]() {
      const consoles = rack.lab.machines.map(({ machine }) => machine.console.text.slice(-4_000));
      words = [rack.daemon.log().split('\n').slice(-60).join('\n'), ...consoles].join('\n--- console ---\n');
      await rack[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The usual machine: one disk of 5 GiB (agents accept none below 4; the file is sparse), one NIC. */
export function aMachine(
  firmware: 'bios' | 'uefi',
  over: Partial<LabMachineOptions> = {},
): LabMachineOptions {
  return {
    name: 'node1',
    firmware,
    disks: [{ bus: 'virtio', size: 5 * GIB }],
    nics: [{ model: 'virtio' }],
    ...over,
  };
}

/** The fields of instance_info for an image, as an operator sets them. */
export function imageFields(url: string, image: BuiltImage): Record<string, unknown> {
  return {
    '/instance_info/image_source': url,
    '/instance_info/image_os_hash_algo': 'sha256',
    '/instance_info/image_os_hash_value': image.sha256,
  };
}

/** Enrols a node and makes it available without cleaning. @returns its UUID */
export async function availableNode(
  rack: Rack,
  machine: LabMachine,
  firmware: 'bios' | 'uefi',
): Promise<string> {
  const { api } = rack;
  const uuid = await rack.enrol(machine, { capabilities: `boot_mode:${firmware}` });
  await api.patch(uuid, { '/automated_clean': false });
  await api.provision(uuid, 'manage');
  await api.waitForState(uuid, 'manageable', { timeout: 3 * MINUTES });
  await api.provision(uuid, 'provide');
  await api.waitForState(uuid, 'available', { timeout: 3 * MINUTES });
  return uuid;
}

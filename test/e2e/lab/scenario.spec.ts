import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TINY_HELLO, tinyImage } from '../../../lab/image/tiny-image.js';
import { createLab, type LabMachineOptions } from '../../../lab/lab.js';
import { SCENARIOS } from '../../../lab/scenario/rack.js';

/** Every machine of every scenario; of those that are alike in firmware, disks and NICs the first. */
const KINDS = new Map(
  SCENARIOS.flatMap(({ machines }) => machines)
    .toReversed()
    .map((machine) => [kindOf(machine), machine]),
);

describe('machines of the scenarios', () => {
  const root = mkdtempSync(join(tmpdir(), 'lab-scenario-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it.each([...KINDS])('%s: starts, and boots from its first disk', async (_, options) => {
    const image = await tinyImage('.lab/cache');
    await using lab = await createLab({ name: 'lab-scenario', root, machines: [options] });
    const { machine } = lab.machine(options.name);
    copyFileSync(image.path, machine.diskPaths[0]!);
    await machine.on();
    await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\n`), { timeout: 90_000 });
    await machine.off();
    expect(machine.isOn()).toBe(false);
  });

  it('and a machine with Secure Boot refuses what nobody has signed', async () => {
    const image = await tinyImage('.lab/cache');
    const disks = [{ bus: 'virtio' as const, size: 256 * 1024 * 1024 }];
    await using lab = await createLab({
      name: 'lab-secure',
      root,
      machines: [{ name: 'secure', firmware: 'uefi-secure', disks, nics: [] }],
    });
    const { machine } = lab.machine('secure');
    copyFileSync(image.path, machine.diskPaths[0]!);
    await machine.on();
    const [refusal] = await machine.console.waitFor(/BdsDxe: failed to load Boot\d+.*\n/, {
      timeout: 120_000,
    });
    expect(refusal).toContain('Access Denied');
    expect(machine.console.text).not.toContain(TINY_HELLO);
  });
});

function kindOf({ firmware, disks, nics }: LabMachineOptions): string {
  const words = (parts: readonly { bus?: string; model?: string }[]) =>
    parts.map(({ bus, model }) => bus ?? model).join('+');
  return `${firmware}, ${words(disks)} disk, ${words(nics)} NIC`;
}

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TINY_HELLO, tinyImage } from '../../../lab/image/tiny-image.js';
import { createLab } from '../../../lab/lab.js';
import { SCENARIOS } from '../../../lab/scenario/rack.js';

describe('every scenario', () => {
  const root = mkdtempSync(join(tmpdir(), 'lab-scenario-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s: its machines start, and boot from their first disk',
    async (_, { machines }) => {
      const image = await tinyImage('.lab/cache');
      await using lab = await createLab({ name: 'lab-scenario', root, machines });
      await Promise.all(
        lab.machines.map(async ({ machine }) => {
          copyFileSync(image.path, machine.diskPaths[0]!);
          await machine.on();
          await machine.console.waitFor(new RegExp(`${TINY_HELLO}.*\n`), { timeout: 90_000 });
          await machine.off();
          expect(machine.isOn()).toBe(false);
        }),
      );
    },
  );

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

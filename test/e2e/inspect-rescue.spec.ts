import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { buildDeployRamdisk } from '../../demo/parts.js';
import { sharedRoot } from '../../demo/rack.js';
import { aMachine, GIB, raiseRack } from '../support/e2e/rack.js';

const MINUTES = 60_000;
const PASSWORD = 'canary rescue $pässword';

/** Inspection and rescue of one machine of QEMU through our own agent, by the REST API alone. */
describe('a machine', () => {
  it(
    'is inspected, adopted, rescued and given back',
    async () => {
      const ramdisk = await buildDeployRamdisk(sharedRoot().cache);
      const nics = [{ model: 'virtio' as const }, { model: 'virtio' as const }];
      await using raised = await raiseRack({
        machines: [aMachine('bios', { nics })],
        ramdisk,
        config: {
          inspector: {
            add_ports: 'all',
            extra_kernel_params: 'ipa-inspection-collectors=default,logs,pci-devices',
            hooks: [
              'ramdisk-error',
              'validate-interfaces',
              'ports',
              'architecture',
              'cpus',
              'memory',
              'boot-mode',
              'root-device',
            ],
          },
        },
      });
      const { rack } = raised;
      const { api, lab } = rack;
      const node1 = lab.machine('node1');
      const [mac, second] = node1.machine.macs as [string, string];
      const uuid = await rack.enrol(node1);
      const { ports: enrolled } = (await api.request('GET', '/v1/ports')) as {
        ports: { uuid: string; address: string }[];
      };
      await api.request('DELETE', `/v1/ports/${enrolled.find(({ address }) => address === second)!.uuid}`);
      await api.request('POST', '/v1/inspection_rules', {
        conditions: [{ op: 'eq', args: { values: ['{inventory[boot][current_boot_mode]}', 'bios'] } }],
        actions: [
          { op: 'set-attribute', args: { path: 'resource_class', value: 'lab-{inventory[cpu][count]}' } },
        ],
      });
      await api.provision(uuid, 'manage');
      await api.waitForState(uuid, 'manageable', { timeout: MINUTES });

      await api.provision(uuid, 'inspect');
      const inspected = await api.waitForState(uuid, 'manageable', { timeout: 8 * MINUTES });
      expect(inspected).toMatchObject({
        last_error: null,
        power_state: 'power off',
        resource_class: 'lab-1',
        properties: {
          cpu_arch: 'x86_64',
          cpus: 1,
          memory_mb: 1024,
          local_gb: 4,
          capabilities: 'boot_mode:bios',
        },
      });
      const { ports } = (await api.request('GET', `/v1/nodes/${uuid}/ports/detail`)) as { ports: object[] };
      expect(ports).toMatchObject([
        { address: mac, pxe_enabled: true },
        { address: second, pxe_enabled: false },
      ]);
      const { inventory, plugin_data } = (await api.request('GET', `/v1/nodes/${uuid}/inventory`)) as {
        inventory: Record<string, unknown>;
        plugin_data: Record<string, unknown[]>;
      };
      expect(inventory).toMatchObject({
        disks: [{ name: '/dev/vda', size: 5 * GIB }],
        boot: { current_boot_mode: 'bios', pxe_interface: mac },
        bmc_address: null,
        system_vendor: { manufacturer: 'QEMU' },
      });
      expect(plugin_data['pci_devices']!.length).toBeGreaterThan(2);

      // A rescue is of an instance: this one is said to be there.
      const kernel = `file://${ramdisk.kernel}`;
      await api.patch(uuid, {
        '/instance_info': { image_source: 'http://10.77.0.1/x', image_checksum: 'a'.repeat(64) },
        '/driver_info/rescue_kernel': kernel,
        '/driver_info/rescue_ramdisk': rack.images.url('/deploy.ramdisk'),
        '/rescue_interface': 'agent',
      });
      await api.provision(uuid, 'adopt');
      await api.waitForState(uuid, 'active', { timeout: MINUTES });
      const since = node1.machine.console.position;
      await api.provision(uuid, 'rescue', { rescue_password: PASSWORD });
      const rescued = await api.waitForState(uuid, 'rescue', { timeout: 8 * MINUTES });
      expect(rescued).toMatchObject({ last_error: null, power_state: 'power on' });
      expect(Object.keys(rescued['instance_info'] as object)).not.toContain('rescue_password');
      await node1.machine.console.waitFor(/ferric-init [\d.]+: rescue: user rescue may log in/, {
        since,
        timeout: MINUTES,
      });
      const [, address] = await node1.machine.console.waitFor(/commands are taken at https:\/\/([\d.]+):/, {
        since,
        timeout: MINUTES,
      });
      expect(await logIn(lab.network, address!, PASSWORD)).toMatch(/^0\n.*ipa-api-url/s);
      await expect(logIn(lab.network, address!, 'wrong')).rejects.toThrow();
      expect(node1.machine.console.text).not.toContain('canary');
      expect(rack.daemon.log()).not.toContain('canary');

      await api.provision(uuid, 'unrescue');
      expect(await api.waitForState(uuid, 'active', { timeout: MINUTES })).toMatchObject({
        last_error: null,
        power_state: 'power on',
      });
    },
    20 * MINUTES,
  );
});

/** ssh with the password from a file, as any client would. @throws Error where it is refused */
async function logIn(
  network: { inside(file: string, args: readonly string[]): Promise<string> },
  address: string,
  password: string,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ferric-ssh-'));
  const ask = join(folder, 'ask');
  writeFileSync(join(folder, 'password'), password);
  writeFileSync(ask, `#!/bin/sh\ncat ${folder}/password\n`);
  chmodSync(ask, 0o700);
  const options = [
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'PreferredAuthentications=password',
    'NumberOfPasswordPrompts=1',
    'ConnectTimeout=20',
    'LogLevel=ERROR',
  ].flatMap((option) => ['-o', option]);
  const env = [`SSH_ASKPASS=${ask}`, 'SSH_ASKPASS_REQUIRE=force', 'DISPLAY=none'];
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await network.inside('env', [
          ...env,
          'ssh',
          ...options,
          `rescue@${address}`,
          'id -u; cat /proc/cmdline',
        ]);
      } catch (error) {
        // The server starts a moment behind the word of it.
        if (attempt >= 30 || !/refused|timed out/i.test(String(error))) throw error;
        await sleep(1_000);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

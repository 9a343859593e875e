import { expect, it } from 'vitest';
import { inspectorSection } from '../../../../src/config/section/inspector.js';
import { AgentInspect } from '../../../../src/driver/agent/agent-inspect.js';
import { AgentClient } from '../../../../src/driver/agent/client.js';
import { Ramdisk } from '../../../../src/driver/agent/ramdisk.js';
import { RamdiskLogs } from '../../../../src/driver/agent/ramdisk-logs.js';
import type { Interfaces } from '../../../../src/driver/contract/interfaces.js';
import { DriverBench } from '../../../support/driver-context.js';

const client = new AgentClient({ timeout: 1, attempts: 1, requireTls: true, ports: [] });
const inspect = new AgentInspect({
  ramdisk: new Ramdisk(client),
  logs: new RamdiskLogs({ client, directory: '/logs', maxBytes: 1 }),
  settings: inspectorSection.parse({ extra_kernel_params: 'ipa-inspection-callback-url=http://10.6.6.6/' }),
  collectLogs: 'never',
  apiUrl: () => 'http://10.0.0.1:6386/',
  resolve: async () => [],
});

/** Boots the ramdisk. @returns what it was given, and what the node knows then */
async function boot(bench: DriverBench, handsParameters: boolean): Promise<[string | undefined, unknown]> {
  let url: string | undefined;
  const interfaces = {
    boot: {
      ...(handsParameters ? { handsParameters } : {}),
      managesInspection: () => bench.ports.length > 0,
      prepareRamdisk: async (_context: unknown, given: Record<string, string>) => {
        url = given['ipa-inspection-callback-url'];
        return null;
      },
    },
    power: { getPowerState: async () => 'power off', setPowerState: async () => undefined },
    management: { setBootDevice: async () => undefined },
  } as unknown as Interfaces;
  const step = inspect.steps.find(({ name }) => name === 'inspect_hardware')!;
  expect((await step.run(bench.context(interfaces))).is).toBe('wait');
  return [url, bench.committed.driver_internal_info['inspection_secret']];
}

const port = { uuid: 'u', address: '52:54:00:00:00:01', pxe_enabled: true } as never;

it('a ramdisk is given a secret of its own with each boot, where the boot interface can hand it on', async () => {
  const bench = new DriverBench();
  bench.ports = [port];
  const [first, kept] = await boot(bench, true);
  expect(first).toBe(`http://10.0.0.1:6386/v1/continue_inspection/${String(kept)}`);
  expect(String(kept)).toMatch(/^[\w-]{32}$/);
  bench.saved = null;
  const [second] = await boot(bench, true);
  expect(second).not.toBe(first);
});

it('without such a boot interface, and for a machine that boots what strangers get, there is none', async () => {
  const bench = new DriverBench();
  expect(await boot(bench, true)).toEqual([undefined, undefined]);
  bench.ports = [port];
  bench.saved = null;
  expect(await boot(bench, false)).toEqual(['http://10.0.0.1:6386/v1/continue_inspection', undefined]);
});

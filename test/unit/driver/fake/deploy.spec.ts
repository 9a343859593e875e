import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploySection } from '../../../../src/config/section/deploy.js';
import { driverSection } from '../../../../src/config/section/driver.js';
import { fakeSection } from '../../../../src/config/section/fake.js';
import { orderSteps } from '../../../../src/domain/step/step.js';
import type { Interfaces } from '../../../../src/driver/contract/interfaces.js';
import type { FakeCall } from '../../../../src/driver/fake/machine.js';
import { FAKE_HARDWARE } from '../../../../src/driver/hardware-type/fake-hardware.js';
import {
  fakeImplementations,
  mergeImplementations,
  noopImplementations,
} from '../../../../src/driver/implementations.js';
import { DriverRegistry } from '../../../../src/driver/registry.js';
import { DriverBench } from '../../../support/driver-context.js';

let directory: string;
let interfaces: Interfaces;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fake-journal-'));
  interfaces = new DriverRegistry({
    hardwareTypes: [FAKE_HARDWARE],
    implementations: mergeImplementations(
      noopImplementations(),
      fakeImplementations({
        deploy: deploySection.parse({ erase_devices_priority: 0 }),
        journalDirectory: directory,
        delays: fakeSection.parse(undefined),
      }),
    ),
    settings: driverSection.parse({
      enabled_inspect_interfaces: ['no-inspect', 'fake'],
      enabled_rescue_interfaces: ['no-rescue', 'fake'],
      enabled_hardware_types: ['fake-hardware'],
      enabled_boot_interfaces: ['fake'],
      enabled_deploy_interfaces: ['fake'],
      enabled_power_interfaces: ['fake'],
      enabled_raid_interfaces: ['fake'],
      enabled_management_interfaces: ['fake'],
      enabled_vendor_interfaces: ['fake'],
      enabled_bios_interfaces: ['no-bios', 'fake'],
      enabled_firmware_interfaces: ['no-firmware', 'fake'],
    }),
  }).resolve({ driver: 'fake-hardware' });
});
afterAll(() => rmSync(directory, { recursive: true }));

const bench = (driver_info = {}) => new DriverBench({ driver: 'fake-hardware', driver_info });
const steps = (kind: string) =>
  interfaces.steps
    .filter((step) => step.kind === kind && step.priority > 0)
    .toSorted((a, b) => b.priority - a.priority);
const journal = (name: string) =>
  readFileSync(join(directory, name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FakeCall);
const begun = (name: string) =>
  journal(name)
    .filter((line) => line.phase === 'begin')
    .map((line) => line.effect);

describe('FakeDeploy', () => {
  it('deploys: one effect after the other, each once, and ends powered on, booting from disk', async () => {
    const node = bench({ fake_journal: 'whole' });
    for (const step of steps('deploy')) {
      const { outcome, polls } = await node.drive(interfaces, step.run, { step: step.name });
      expect(outcome).toEqual({ is: 'done' });
      expect(polls, step.name).toBe(0); // no time, no wait
    }
    expect(begun('whole')).toEqual([
      'prepare_deploy',
      'power off',
      'prepare ramdisk',
      'boot device pxe',
      'power on',
      'deploy',
      'write_image',
      'clean up ramdisk',
      'prepare instance',
      'boot device disk',
      'prepare_instance_boot',
      'power off',
      'tear_down_agent',
      'switch_to_tenant_network',
      'power on',
      'boot_instance',
    ]);
    expect(journal('whole').filter((line) => line.phase === 'end')).toHaveLength(16);
    expect(await interfaces.power.getPowerState(node.context())).toBe('power on');
    expect(await interfaces.management.getBootDevice(node.context())).toEqual({
      boot_device: 'disk',
      persistent: true,
    });
  });

  it.each([
    ['with a journal', { fake_journal: 'restart' }],
    ['without one', {}],
  ])('does not write again after a crash, %s', async (_, info) => {
    const node = bench(info);
    const write = steps('deploy').find((step) => step.name === 'write_image')!;
    await write.run(node.context(interfaces, { step: 'write_image', wake: 'start' }));
    // The conductor dies before the checkpoint of the outcome is committed.
    const outcome = await write.run(node.context(interfaces, { step: 'write_image', wake: 'restart' }));
    expect(outcome).toEqual({ is: 'done' });
    if ('fake_journal' in info) expect(begun('restart')).toEqual(['write_image']);
  });

  it('takes the time it is told and fails when it is told', async () => {
    const node = bench({ fake_delay_write_image: 0.06, fake_fail_write_image: 'disk on fire' });
    const write = steps('deploy').find((step) => step.name === 'write_image')!;
    const started = performance.now();
    await expect(node.drive(interfaces, write.run, { step: 'write_image' })).rejects.toMatchObject({
      code: 'agent-failed',
      message: 'disk on fire',
    });
    expect(performance.now() - started).toBeGreaterThan(55);
  });

  it('cleans with the steps that are on, and with those that are asked for', async () => {
    const node = bench();
    const collect = steps('clean').find((step) => step.name === 'collect_clean_steps')!;
    const automatic = await node.drive(interfaces, collect.run, { step: collect.name });
    expect(automatic.outcome).toMatchObject({
      is: 'done',
      insert: [{ name: 'erase_devices_metadata', agent: true }],
    });
    const manual = await node.drive(interfaces, collect.run, {
      step: collect.name,
      args: { requested: [{ interface: 'deploy', step: 'erase_devices' }] },
    });
    expect(manual.outcome).toMatchObject({ is: 'done', insert: [{ name: 'erase_devices' }] });
    await expect(
      node.drive(interfaces, collect.run, {
        step: collect.name,
        args: { requested: [{ interface: 'deploy', step: 'nosuch' }] },
      }),
    ).rejects.toThrow(
      `Cannot clean node ${node.committed.uuid}: node does not support this clean step: {'interface': 'deploy', 'step': 'nosuch'}`,
    );
    expect(
      orderSteps(steps('clean').map((s) => ({ ...s, args: {}, agent: false }))).map((s) => s.name),
    ).toEqual(['prepare_cleaning', 'collect_clean_steps', 'tear_down_cleaning']);
  });

  it('powers a machine off whose deployment failed', async () => {
    const node = bench();
    await interfaces.power.setPowerState(node.context(), 'power on', 1_000);
    await interfaces.deploy.cleanUpFailure(node.context(interfaces), {
      uuid: node.operation,
      kind: 'deploy',
      reason: 'test',
    });
    expect(await interfaces.power.getPowerState(node.context())).toBe('power off');
  });

  it.each(['../escape', '/etc/passwd', '..', 'a/b', 7])('refuses the journal %s', async (fake_journal) => {
    await expect(interfaces.power.validate(bench({ fake_journal }).context())).rejects.toThrow(
      'fake_journal',
    );
  });

  it('stops at once when its work is cancelled', async () => {
    const node = bench({ fake_delay_power: 60 });
    const power = interfaces.power.setPowerState(node.context(), 'power on', 1_000);
    setTimeout(() => node.abort.abort(), 10);
    await expect(power).rejects.toMatchObject({ code: 'cancelled' });
  });
});

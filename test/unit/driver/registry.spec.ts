import { describe, expect, it } from 'vitest';
import { deploySection } from '../../../src/config/section/deploy.js';
import { driverSection } from '../../../src/config/section/driver.js';
import { fakeSection } from '../../../src/config/section/fake.js';
import type { HardwareType } from '../../../src/driver/contract/interfaces.js';
import { FAKE_HARDWARE } from '../../../src/driver/hardware-type/fake-hardware.js';
import {
  fakeImplementations,
  mergeImplementations,
  noopImplementations,
} from '../../../src/driver/implementations.js';
import { DriverRegistry } from '../../../src/driver/registry.js';
import { DriverBench } from '../../support/driver-context.js';

const FAKE_ONLY = {
  enabled_inspect_interfaces: ['no-inspect', 'fake'],
  enabled_rescue_interfaces: ['no-rescue', 'fake'],
  enabled_hardware_types: ['fake-hardware'],
  enabled_boot_interfaces: ['fake'],
  enabled_bios_interfaces: ['no-bios', 'fake'],
  enabled_firmware_interfaces: ['no-firmware', 'fake'],
  enabled_deploy_interfaces: ['fake'],
  enabled_power_interfaces: ['fake'],
  enabled_raid_interfaces: ['no-raid', 'fake'],
  enabled_management_interfaces: ['noop', 'fake'],
  enabled_vendor_interfaces: ['no-vendor', 'fake'],
};
const implementations = mergeImplementations(
  noopImplementations(),
  fakeImplementations({
    deploy: deploySection.parse(undefined),
    journalDirectory: null,
    delays: fakeSection.parse(undefined),
  }),
);
const MINIMAL: HardwareType = {
  ...FAKE_HARDWARE,
  name: 'minimal',
  supports: { ...FAKE_HARDWARE.supports, management: ['noop'], vendor: ['no-vendor'] },
};
const registry = (settings: object = {}, hardwareTypes: HardwareType[] = [FAKE_HARDWARE]) =>
  new DriverRegistry({
    hardwareTypes,
    implementations,
    settings: driverSection.parse({ ...FAKE_ONLY, ...settings }),
  });

describe('DriverRegistry', () => {
  it('lists every fault of the configuration at once', () => {
    const faulty = () =>
      registry({
        enabled_hardware_types: ['fake-hardware', 'ilo'],
        enabled_boot_interfaces: ['fake', 'ipxe'],
        enabled_power_interfaces: [],
        default_deploy_interface: 'direct',
      });
    expect(faulty).toThrow(/enabled_hardware_types: no hardware type ilo/);
    expect(faulty).toThrow(/enabled_boot_interfaces: no boot interface ipxe; there are fake/);
    expect(faulty).toThrow(/enabled_power_interfaces: hardware type fake-hardware needs one of fake/);
    expect(faulty).toThrow(/default_deploy_interface: direct is not enabled/);
  });

  it('refuses a default that some enabled hardware type does not support', () => {
    expect(() =>
      registry(
        { enabled_hardware_types: ['fake-hardware', 'minimal'], default_management_interface: 'fake' },
        [FAKE_HARDWARE, MINIMAL],
      ),
    ).toThrow('driver.default_management_interface: hardware type minimal does not support fake');
  });

  it('takes the node’s own choice, then the configured default, then the type’s first enabled one', () => {
    expect(registry().defaultsFor('fake-hardware')).toMatchObject({ management: 'fake', storage: 'noop' });
    const noop = registry({ default_management_interface: 'noop' });
    expect(noop.resolve({ driver: 'fake-hardware' }).management.name).toBe('noop');
    expect(noop.resolve({ driver: 'fake-hardware', management_interface: 'fake' }).management.name).toBe(
      'fake',
    );
    expect(noop.resolve({ driver: 'fake-hardware', management_interface: null }).management.name).toBe(
      'noop',
    );
  });

  it('refuses interfaces that are unknown, not enabled or not the type’s, and drivers that are not enabled', () => {
    const both = registry({ enabled_hardware_types: ['fake-hardware', 'minimal'] }, [FAKE_HARDWARE, MINIMAL]);
    expect(() => both.checkName('fake-hardware', 'boot', 'nosuch')).toThrow(
      "Could not find the following interface in the 'ironic.hardware.interfaces.boot' entrypoint: nosuch. " +
        "Valid interfaces are ['fake'].",
    );
    expect(() => both.resolve({ driver: 'minimal', management_interface: 'fake' })).toThrow(
      "management interface 'fake' is not supported by hardware type 'minimal'",
    );
    expect(() => both.resolve({ driver: 'ilo' })).toThrow(
      'Could not find the following driver(s) or hardware type(s): ilo.',
    );
    expect(both.isEnabled('ilo')).toBe(false);
    expect(both.driverNames()).toEqual(['fake-hardware', 'minimal']);
  });

  it('gives the steps of the resolved interfaces, in the order of Ironic’s direct deploy', () => {
    const { steps } = registry().resolve({ driver: 'fake-hardware' });
    const deploy = steps
      .filter((step) => step.kind === 'deploy' && step.priority > 0)
      .map((s) => `${s.name} ${s.priority}`);
    expect(deploy).toEqual([
      'prepare_deploy 200',
      'deploy 100',
      'write_image 80',
      'prepare_instance_boot 60',
      'tear_down_agent 40',
      'switch_to_tenant_network 30',
      'boot_instance 20',
    ]);
  });

  it('describes a driver as the API shows it', () => {
    expect(registry().describe('fake-hardware')).toMatchObject({
      name: 'fake-hardware',
      type: 'dynamic',
      default_vendor_interface: 'fake',
      enabled_vendor_interfaces: ['fake', 'no-vendor'],
      enabled_management_interfaces: ['fake', 'noop'],
    });
    expect(Object.keys(registry().properties('fake-hardware'))).toContain('fake_journal');
  });

  it('says in validate what a node has not', async () => {
    const { bios, network } = registry({ default_bios_interface: 'no-bios' }).resolve({
      driver: 'fake-hardware',
    });
    const context = new DriverBench({ driver: 'fake-hardware' }).context();
    await expect(bios.validate(context)).rejects.toThrow(
      'Driver fake-hardware does not support bios (disabled or not implemented).',
    );
    await expect(network.validate(context)).resolves.toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { driverSection } from '../../../src/config/section/driver.js';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { redfishSection } from '../../../src/config/section/redfish.js';
import { driverRegistry } from '../../../src/driver/composition.js';
import { Ipmitool } from '../../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../../src/driver/ipmi/ipmitool-link.js';
import { RedfishClient } from '../../../src/driver/redfish/client.js';
import { RedfishMachines } from '../../../src/driver/redfish/machine.js';
import type { ImageService } from '../../../src/image/image-service.js';
import type { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import type { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { driverConfig } from '../../support/driver-config.js';
import { DriverBench } from '../../support/driver-context.js';

const settings = ipmiSection.parse(undefined);
const registry = driverRegistry({
  config: driverConfig('/nonexistent', {
    driver: { enabled_hardware_types: ['ipmi', 'redfish', 'manual-management', 'fake-hardware'] },
  }),
  plans: {} as BootPlanRepository,
  published: {} as PublishedFileRepository,
  images: {} as ImageService,
  link: new IpmitoolLink(new Ipmitool({ settings, runtimeDirectory: '/nonexistent' })),
  redfish: new RedfishMachines(new RedfishClient(redfishSection.parse(undefined))),
});

describe('all implementations, as configured by default', () => {
  it('are those that Ironic’s clients expect of an ipmi node', () => {
    expect(registry.defaultsFor('ipmi')).toEqual({
      bios: 'no-bios',
      boot: 'ipxe',
      console: 'no-console',
      deploy: 'direct',
      firmware: 'no-firmware',
      inspect: 'agent',
      management: 'ipmitool',
      network: 'noop',
      power: 'ipmitool',
      raid: 'no-raid',
      rescue: 'no-rescue',
      storage: 'noop',
      vendor: 'ipmitool',
    });
    expect(registry.describe('ipmi')).toMatchObject({
      enabled_boot_interfaces: ['ipxe', 'pxe'],
      enabled_deploy_interfaces: ['direct', 'ramdisk', 'custom-agent'],
      enabled_raid_interfaces: ['no-raid', 'agent'],
      enabled_management_interfaces: ['ipmitool', 'noop'],
      enabled_vendor_interfaces: ['ipmitool', 'no-vendor'],
    });
    expect(registry.driverNames()).toEqual(['fake-hardware', 'ipmi', 'manual-management', 'redfish']);
    expect(driverSection.parse(undefined).enabled_hardware_types).toEqual([
      'ipmi',
      'redfish',
      'fake-hardware',
    ]);
  });

  it('are those that Ironic’s clients expect of a redfish node, as far as they are built', () => {
    expect(registry.defaultsFor('redfish')).toMatchObject({
      bios: 'redfish',
      firmware: 'redfish',
      inspect: 'redfish',
      boot: 'ipxe',
      deploy: 'direct',
      management: 'redfish',
      power: 'redfish',
    });
    expect(registry.defaultsFor('manual-management')).toMatchObject({ management: 'noop', power: 'fake' });
    expect(Object.keys(registry.properties('redfish')).filter((key) => key.startsWith('redfish_'))).toEqual([
      'redfish_address',
      'redfish_system_id',
      'redfish_username',
      'redfish_password',
      'redfish_verify_ca',
      'redfish_auth_type',
      'redfish_tls_minimum_version',
      'redfish_tls_ciphers',
      'redfish_pin_certificate',
    ]);
  });

  it('know these driver_info keys', () => {
    expect(Object.keys(registry.properties('ipmi')).toSorted()).toEqual(
      [
        'agent_verify_ca',
        'deploy_forces_oob_reboot',
        'deploy_kernel',
        'deploy_ramdisk',
        'force_persistent_boot_device',
        'image_download_source',
        'image_http_proxy',
        'image_https_proxy',
        'image_no_proxy',
        'ipmi_address',
        'ipmi_bridging',
        'ipmi_cipher_suite',
        'ipmi_disable_boot_timeout',
        'ipmi_force_boot_device',
        'ipmi_hex_kg_key',
        'ipmi_local_address',
        'ipmi_password',
        'ipmi_port',
        'ipmi_priv_level',
        'ipmi_protocol_version',
        'ipmi_target_address',
        'ipmi_target_channel',
        'ipmi_transit_address',
        'ipmi_transit_channel',
        'ipmi_username',
        'kernel_append_params',
        'rescue_kernel',
        'rescue_ramdisk',
      ].toSorted(),
    );
  });

  it('judge a node without touching anything', async () => {
    const interfaces = registry.resolve({ driver: 'ipmi' });
    const context = new DriverBench().context(interfaces);
    await expect(interfaces.power.validate(context)).rejects.toThrow("['ipmi_address']");
    await expect(interfaces.vendor.validate(context)).rejects.toThrow("['ipmi_address']");
    await expect(interfaces.deploy.validate(context)).rejects.toThrow("['instance_info.image_source']");
    await expect(interfaces.boot.validate(context)).rejects.toThrow("['deploy_kernel', 'deploy_ramdisk']");
    await expect(interfaces.bios.validate(context)).rejects.toThrow('does not support bios');
  });
});

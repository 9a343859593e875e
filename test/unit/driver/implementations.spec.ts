import { describe, expect, it } from 'vitest';
import type { BootPlanRepository } from '../../../src/boot-plan/boot-plan.repository.js';
import { deploySection } from '../../../src/config/section/deploy.js';
import { driverSection } from '../../../src/config/section/driver.js';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { pxeSection } from '../../../src/config/section/pxe.js';
import { FAKE_HARDWARE } from '../../../src/driver/hardware-type/fake-hardware.js';
import { IPMI } from '../../../src/driver/hardware-type/ipmi.js';
import {
  agentImplementations,
  fakeImplementations,
  ipmiImplementations,
  mergeImplementations,
  noopImplementations,
  pxeImplementations,
} from '../../../src/driver/implementations.js';
import { Ipmitool } from '../../../src/driver/ipmi/ipmitool.js';
import { DriverRegistry } from '../../../src/driver/registry.js';
import type { ImageService } from '../../../src/image/image-service.js';
import { DriverBench } from '../../support/driver-context.js';

const deploy = deploySection.parse(undefined);
const settings = ipmiSection.parse(undefined);
// The rooms that are given in for real fit what is asked of them: the compiler says so here.
const plans = {} as BootPlanRepository;
const images = {} as ImageService;
const places = { httpRoot: '/h', tftpRoot: '/t', httpUrl: () => 'http://10.0.0.1:8080' };

const registry = new DriverRegistry({
  hardwareTypes: [IPMI, FAKE_HARDWARE],
  settings: driverSection.parse(undefined),
  implementations: mergeImplementations(
    noopImplementations(),
    fakeImplementations({ deploy, journalDirectory: null }),
    ipmiImplementations({
      settings,
      deploy,
      ipmitool: new Ipmitool({ settings, runtimeDirectory: '/nonexistent' }),
    }),
    pxeImplementations({
      settings: pxeSection.parse(undefined),
      deploy,
      places,
      plans,
      images,
      defaults: { deploy_kernel: null, deploy_ramdisk: null },
    }),
    agentImplementations({
      deploy,
      rules: { requireTls: true, ports: [9999] },
      apiUrl: () => 'http://10.0.0.1:6386',
      patience: { deploy: 1, clean: 1 },
      places,
      plans,
      images,
      logDirectory: '/l',
    }),
  ),
});

describe('all implementations, as configured by default', () => {
  it('are those that Ironic’s clients expect of an ipmi node', () => {
    expect(registry.defaultsFor('ipmi')).toEqual({
      bios: 'no-bios',
      boot: 'ipxe',
      console: 'no-console',
      deploy: 'direct',
      firmware: 'no-firmware',
      inspect: 'no-inspect',
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
      enabled_management_interfaces: ['ipmitool', 'noop'],
      enabled_vendor_interfaces: ['ipmitool', 'no-vendor'],
    });
    expect(registry.driverNames()).toEqual(['fake-hardware', 'ipmi']);
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
      ].toSorted(),
    );
  });

  it('judge a node without touching anything', async () => {
    const interfaces = registry.resolve({ driver: 'ipmi' });
    const context = new DriverBench().context(interfaces);
    await expect(interfaces.power.validate(context)).rejects.toThrow("['ipmi_address']");
    await expect(interfaces.passive.vendor?.validate(context)).rejects.toThrow("['ipmi_address']");
    await expect(interfaces.deploy.validate(context)).rejects.toThrow("['instance_info.image_source']");
    await expect(interfaces.boot.validate(context)).rejects.toThrow("['deploy_kernel', 'deploy_ramdisk']");
    await expect(interfaces.passive.bios?.validate(context)).rejects.toThrow('does not support bios');
  });
});

import { describe, expect, it } from 'vitest';
import { bootMediaSection } from '../../../src/config/section/boot-media.js';
import { deploySection } from '../../../src/config/section/deploy.js';
import { driverSection } from '../../../src/config/section/driver.js';
import { fakeSection } from '../../../src/config/section/fake.js';
import { inspectorSection } from '../../../src/config/section/inspector.js';
import { ipmiSection } from '../../../src/config/section/ipmi.js';
import { pxeSection } from '../../../src/config/section/pxe.js';
import { redfishSection } from '../../../src/config/section/redfish.js';
import { AgentInspect } from '../../../src/driver/agent/agent-inspect.js';
import { AgentRaid } from '../../../src/driver/agent/agent-raid.js';
import { AgentRescue } from '../../../src/driver/agent/agent-rescue.js';
import { AgentWork } from '../../../src/driver/agent/agent-work.js';
import { AgentClient } from '../../../src/driver/agent/client.js';
import { CustomAgentDeploy } from '../../../src/driver/agent/custom-agent-deploy.js';
import { DirectDeploy } from '../../../src/driver/agent/direct-deploy.js';
import { InstanceImage } from '../../../src/driver/agent/instance-image.js';
import { Ramdisk } from '../../../src/driver/agent/ramdisk.js';
import { RamdiskDeploy } from '../../../src/driver/agent/ramdisk-deploy.js';
import { RamdiskLogs } from '../../../src/driver/agent/ramdisk-logs.js';
import { FAKE_HARDWARE } from '../../../src/driver/hardware-type/fake-hardware.js';
import { IPMI } from '../../../src/driver/hardware-type/ipmi.js';
import { MANUAL_MANAGEMENT } from '../../../src/driver/hardware-type/manual-management.js';
import { REDFISH } from '../../../src/driver/hardware-type/redfish.js';
import {
  fakeImplementations,
  ipmiImplementations,
  mergeImplementations,
  noopImplementations,
  redfishImplementations,
} from '../../../src/driver/implementations.js';
import { Ipmitool } from '../../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../../src/driver/ipmi/ipmitool-link.js';
import { type Flavour, ipxeFlavour, PXE_FLAVOUR } from '../../../src/driver/pxe/flavour.js';
import { NetworkBoot, type NetworkBootParts } from '../../../src/driver/pxe/network-boot.js';
import { RedfishBootDrives } from '../../../src/driver/redfish/boot-drives.js';
import { BootMedia } from '../../../src/driver/redfish/boot-media.js';
import { RedfishClient } from '../../../src/driver/redfish/client.js';
import { DiscBoot, type DiscBootParts } from '../../../src/driver/redfish/disc-boot.js';
import { FirmwareFiles } from '../../../src/driver/redfish/firmware/image-file.js';
import { RedfishHttpDelivery } from '../../../src/driver/redfish/http-delivery.js';
import { BootLoaderFiles } from '../../../src/driver/redfish/loader-files.js';
import { RedfishMachines } from '../../../src/driver/redfish/machine.js';
import { DriverRegistry } from '../../../src/driver/registry.js';
import type { ImageService } from '../../../src/image/image-service.js';
import type { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import type { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { DriverBench } from '../../support/driver-context.js';

const deploy = deploySection.parse(undefined);
const settings = ipmiSection.parse(undefined);
// The rooms that are given in for real fit what is asked of them: the compiler says so here.
const plans = {} as BootPlanRepository;
const published = {} as PublishedFileRepository;
const images = {} as ImageService;
const httpUrl = () => 'http://10.0.0.1:8080';
const boot = (name: NetworkBootParts['name'], flavour: Flavour, root: string) =>
  new NetworkBoot({
    name,
    flavour,
    root,
    plans,
    published,
    host: 'here',
    images,
    settings: pxeSection.parse(undefined),
    defaultBootMode: 'uefi',
    defaults: { deploy_kernel: null, deploy_ramdisk: null, rescue_kernel: null, rescue_ramdisk: null },
  });
const client = new AgentClient({ timeout: 1, attempts: 1, requireTls: true, ports: [] });
const work = new AgentWork({
  client,
  image: new InstanceImage({ images, published, host: 'here', settings: deploy, httpRoot: '/http', httpUrl }),
  logs: new RamdiskLogs({ client, directory: '/logs', maxBytes: 1 }),
  settings: deploy,
  apiUrl: () => 'http://10.0.0.1:6386',
  inactivityTimeout: { deploy: 1, clean: 1, service: 1 },
});

const ramdisk = new Ramdisk(client);
const inspect = new AgentInspect({
  ramdisk,
  logs: new RamdiskLogs({ client, directory: '/logs', maxBytes: 1 }),
  settings: inspectorSection.parse(undefined),
  collectLogs: 'never',
  apiUrl: () => 'http://10.0.0.1:6386',
  resolve: async () => [],
});
const rescue = new AgentRescue({
  ramdisk,
  client,
  hashAlgorithm: 'sha256',
  interval: 1,
  apiUrl: () => 'http://10.0.0.1:6386',
});

const machines = new RedfishMachines(new RedfishClient(redfishSection.parse(undefined)));
const byDisc: Omit<DiscBootParts, 'name' | 'delivery'> = {
  media: new BootMedia(new BootLoaderFiles(bootMediaSection.parse(undefined), '/http')),
  images,
  published,
  host: 'here',
  root: '/http',
  url: httpUrl,
  appended: '',
  patience: 900_000,
  defaultBootMode: 'uefi',
  defaults: { deploy_kernel: null, deploy_ramdisk: null, rescue_kernel: null, rescue_ramdisk: null },
};
const virtualMedia = new DiscBoot({
  ...byDisc,
  name: 'redfish-virtual-media',
  delivery: new RedfishBootDrives(machines, async () => []),
});
const byUrl = new DiscBoot({ ...byDisc, name: 'redfish-https', delivery: new RedfishHttpDelivery(machines) });
const ipxe = ipxeFlavour(httpUrl, 0);

const registry = new DriverRegistry({
  hardwareTypes: [IPMI, REDFISH, MANUAL_MANAGEMENT, FAKE_HARDWARE],
  settings: driverSection.parse({
    enabled_hardware_types: ['ipmi', 'redfish', 'manual-management', 'fake-hardware'],
  }),
  implementations: mergeImplementations(
    noopImplementations(),
    fakeImplementations({ deploy, journalDirectory: null, delays: fakeSection.parse(undefined) }),
    ipmiImplementations({
      settings,
      deploy,
      link: new IpmitoolLink(new Ipmitool({ settings, runtimeDirectory: '/nonexistent' })),
    }),
    redfishImplementations({
      settings: redfishSection.parse(undefined),
      inspector: inspectorSection.parse(undefined),
      machines,
      files: new FirmwareFiles({
        images,
        published,
        host: 'here',
        root: '/http',
        url: httpUrl,
        addresses: async () => [],
      }),
      ramdisk,
    }),
    {
      boot: [
        boot('ipxe', ipxe, '/http'),
        boot('pxe', PXE_FLAVOUR, '/tftp'),
        boot('http-ipxe', ipxe, '/http'),
        boot('http', PXE_FLAVOUR, '/tftp'),
        virtualMedia,
        byUrl,
      ],
      deploy: [new DirectDeploy(work), new RamdiskDeploy(work), new CustomAgentDeploy(work)],
      raid: [new AgentRaid()],
      inspect: [inspect],
      rescue: [rescue],
    },
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

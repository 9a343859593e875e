/**
 * The state of a feature known from Ironic. `works` names a test that shows it, and that test must exist; `no` means
 * that the feature is refused with a clear error or is simply absent.
 */
export interface Feature {
  what: string;
  is: 'works' | 'no';
  test?: string;
  note?: string;
}

const works = (what: string, test: string, note?: string): Feature => ({
  what,
  is: 'works',
  test,
  ...(note === undefined ? {} : { note }),
});
const no = (what: string, note?: string): Feature => ({
  what,
  is: 'no',
  ...(note === undefined ? {} : { note }),
});

const API = 'test/component/api';

export const AREAS: Readonly<Record<string, readonly Feature[]>> = {
  'API conventions': [
    works('Roots, version negotiation 1.1 to 1.115 with both headers, 406 outside', `${API}/wire.spec.ts`),
    works('Errors in the API’s form, request ids, size and depth limits', `${API}/wire.spec.ts`),
    works('Pages: limit, marker, next, sort_key, sort_dir; fields=; detail', `${API}/node.spec.ts`),
    works('JSON Patch on allowed fields only', `${API}/node.spec.ts`),
    works('Secrets shown as ******', `${API}/node.spec.ts`),
    works('409 for a locked node, after tries', `${API}/states.spec.ts`),
    works('Login: none, refused beyond loopback unless said in words', 'test/unit/exposure.spec.ts'),
    works('Login: HTTP basic from a bcrypt file', `${API}/auth/http-basic.spec.ts`),
    works('Login: Keystone tokens, cached; system and project scope', 'test/contract/keystone.spec.ts'),
    works('Ironic’s default policies, all roles', 'test/unit/api/auth/policy-table.spec.ts'),
  ],
  Nodes: [
    works('Create, list with filters, show, PATCH, delete', `${API}/node.spec.ts`),
    works('Names, owner, lessee, description, resource class, shard, parent as data', `${API}/node.spec.ts`),
    works('Maintenance; protected and retired', `${API}/states.spec.ts`),
    works('Validate', `${API}/states.spec.ts`),
    works('History', `${API}/event-stream.spec.ts`),
    works('Chassis, and the nodes in them', `${API}/chassis.spec.ts`),
    works('Traits: standard and custom, fifty a node', `${API}/traits-vifs.spec.ts`),
    works('Children of a node; shards', `${API}/children-shards.spec.ts`),
    works('VIFs of the noop network', `${API}/traits-vifs.spec.ts`),
    works(
      'Allocations by resource class, traits, candidates and owner; backfill',
      `${API}/allocation.spec.ts`,
    ),
    works(
      'Deploy templates, in deployments of instances with their traits',
      `${API}/deploy-template.spec.ts`,
    ),
    works('Runbooks, their traits, cleaning and service by them', `${API}/runbook.spec.ts`),
    works('Volume connectors and targets', `${API}/volume.spec.ts`),
    works('Inspection rules', `${API}/inspection-rule.spec.ts`, 'kept, checked and sealed'),
    works(
      'BIOS settings, firmware, inventory: shown, set by steps',
      `${API}/machine.spec.ts`,
      'fake-hardware',
    ),
    works('RAID target by its schema, logical disk properties', `${API}/machine.spec.ts`, 'fake-hardware'),
    works(
      'Vendor passthru of nodes and drivers',
      `${API}/machine.spec.ts`,
      'fake-hardware; ipmi: send_raw, bmc_reset',
    ),
    works('Virtual media, indicators', `${API}/machine.spec.ts`, 'fake-hardware'),
  ],
  Inspection: [
    works(
      'Inspection by the ramdisk (inspect interface agent): ports, properties, inventory',
      `${API}/inspection.spec.ts`,
      'ipmi and fake-hardware',
    ),
    works(
      'continue_inspection: by UUID, MAC address, BMC address; 1.1 and from 1.84',
      `${API}/inspection.spec.ts`,
    ),
    works(
      'Hooks: all of Ironic’s but extra-hardware',
      'test/unit/driver/agent/inspection/digest.spec.ts',
      'inspector.hooks; upstream’s four by default',
    ),
    works(
      'Our agent inspects: inventory with BMC address, collectors default, logs, pci-devices',
      'test/unit/agent/src/inspection/inspection.spec.ts',
    ),
    no('Inspection of machines without a port through our own DHCP', 'the site’s own network boot can do it'),
    works('Inspection rules run, in a thread with a time limit', `${API}/inspection.spec.ts`),
    works('Auto-discovery into enroll, bounded, off by default', `${API}/inspection.spec.ts`),
  ],
  Ports: [
    works('All verbs; unique MAC; fields by version', `${API}/port.spec.ts`),
    works('Port groups, physical networks', `${API}/portgroup.spec.ts`),
  ],
  'Power and boot device': [
    works('On, off, reboot, soft variants with timeout', 'test/component/driver/ipmi.spec.ts'),
    works('Boot device: read, set, supported', 'test/component/driver/ipmi.spec.ts'),
    works(
      'Power sync: adopt or enforce, fault after failures, recovery',
      'test/component/conductor/power-sync.spec.ts',
    ),
    works('NMI', `${API}/machine.spec.ts`, 'fake-hardware, ipmi'),
    works('Boot mode, Secure Boot, console on and off', `${API}/machine.spec.ts`, 'fake-hardware'),
    no('Consoles of ipmi, sensor data'),
  ],
  'Provision verbs': [
    works('manage with verification', 'test/component/conductor/workflow.spec.ts'),
    works('provide with automated cleaning', 'test/component/conductor/workflow.spec.ts'),
    works('clean with steps, with and without the ramdisk', 'test/component/conductor/service.spec.ts'),
    works('active, rebuild, deleted', 'test/component/conductor/workflow.spec.ts'),
    works('abort in the wait states', 'test/component/conductor/workflow.spec.ts'),
    works('Timeouts of the wait states', 'test/component/conductor/workflow.spec.ts'),
    works('Carried on after a kill at each step', 'test/component/crash/step-boundaries.spec.ts'),
    works('inspect, with its wait and abort', 'test/component/conductor/verbs.spec.ts', 'fake-hardware'),
    works('adopt', 'test/component/conductor/verbs.spec.ts'),
    works(
      'rescue, unrescue; the password sealed and forgotten',
      'test/component/conductor/verbs.spec.ts',
      'fake-hardware',
    ),
    works(
      'rescue by a ramdisk (rescue interface agent): the password hashed, login over SSH and consoles',
      'test/e2e/inspect-rescue.spec.ts',
      'ipmi',
    ),
    works(
      'service with steps of the interfaces, its wait, hold and abort',
      'test/component/conductor/service.spec.ts',
    ),
    works(
      'The steps hold, wait, power_on, power_off, reboot; unhold',
      'test/component/conductor/service.spec.ts',
    ),
  ],
  'Hardware types and interfaces': [
    works('ipmi: power and management by ipmitool', 'test/component/driver/ipmi.spec.ts'),
    works(
      'ipmi: the same by the daemon itself (ipmi.link: native, auto)',
      'test/component/driver/ipmi-native.spec.ts',
      'RMCP+ with suites 17 and 3; no sensors, no console',
    ),
    works(
      'redfish: power and management over HTTPS, with the quirks of six makers',
      'test/component/driver/redfish.spec.ts',
    ),
    works(
      'Boot redfish-virtual-media: discs put in, looked at, booted once, put out',
      'test/component/driver/redfish-media.spec.ts',
    ),
    works(
      'Boot redfish-https: the BMC gives the firmware the URL of the node’s disc (HttpBootUri), read back, taken away afterwards',
      'test/component/driver/disc-boot.spec.ts',
      '[how](../how-to/without-dhcp.md); plain HTTP; UEFI; in QEMU with Secure Boot: e2e-all/http-boot.spec.ts',
    ),
    works(
      'Boot http and http-ipxe: the BMC selects UEFI HTTP boot, DHCP gives the URL',
      'test/unit/driver/pxe/network-boot.spec.ts',
      'redfish; `http` starts iPXE too where GRUB lacks HTTP; [how](../how-to/real-network.md)',
    ),
    works(
      'BIOS redfish: settings listed, checked against the registry, applied by one reboot, compared; factory reset',
      'test/component/driver/redfish-bios.spec.ts',
      '[how](../how-to/redfish.md); the lab’s BMC, seven personalities',
    ),
    works(
      'A BMC that claims to have inserted a disc it never read: found out by the bytes that were fetched',
      'test/component/driver/disc-boot.spec.ts',
      'not in Ironic; [how](../how-to/redfish.md)',
    ),
    works(
      'Firmware redfish: versions of BIOS, BMC, network adapters; updates by SimpleUpdate or by upload, each requested once',
      'test/component/driver/redfish-firmware.spec.ts',
      '[how](../how-to/redfish.md); the lab’s BMC, seven personalities; no swift, no raw HttpPushUri; daemon killed: component/crash/redfish-firmware.spec.ts',
    ),
    works(
      'Health of a node from its Redfish BMC, with each power sync by the same request',
      'test/component/conductor/power-sync.spec.ts',
      'one request: component/driver/redfish.spec',
    ),
    works(
      'Inspect redfish: inventory, ports, properties and LLDP from the BMC, without a boot',
      'test/component/conductor/redfish-inspection.spec.ts',
      '[how](../how-to/redfish.md); no PCI devices yet; makers: component/driver/redfish-inspect.spec.ts',
    ),
    works(
      'fake-hardware with every interface, delays and failures',
      'test/component/conductor/verbs.spec.ts',
    ),
    works('Boot ipxe and pxe, BIOS and UEFI', 'test/e2e/netboot/firmware.spec.ts'),
    works('Deploy direct', 'test/component/driver/direct-deploy.spec.ts'),
    works(
      'Deploy ramdisk (a kernel and ramdisk, or an ISO, that is the instance) and custom-agent (the agent’s own deploy steps)',
      'test/e2e-all/ramdisk-deploy.spec.ts',
      '[how](../how-to/ramdisk-and-custom-agent.md)',
    ),
    works(
      'RAID interface agent: software RAID by mdadm, made, deleted, applied in a deployment; the root device on it',
      'test/e2e-all/software-raid.spec.ts',
      '[how](../how-to/software-raid.md); whole-disk images by UEFI with our agent; not proven with OpenStack’s agent',
    ),
    works(
      'Software RAID that our agent cannot start from (BIOS, partition images): refused before the image is fetched',
      'test/unit/agent/src/extension/standby.spec.ts',
    ),
    works(
      'Deletion of all arrays, or of none: refused where skip_block_devices keeps one',
      'test/unit/agent/src/raid/software-raid.spec.ts',
    ),
    no('RAID by controllers of hardware', 'a hardware manager of yours in the agent can do it'),
    no('idrac, snmp, irmc, ilo and others'),
    no('Deploy anaconda, bootc, ansible, autodetect'),
    no('Networks flat and neutron', 'noop only'),
  ],
  Images: [
    works('http(s)://', 'test/component/image/http.spec.ts'),
    works('file:// below allowed directories', 'test/component/image/file.spec.ts'),
    works('Image service UUIDs: of an outside Glance', 'test/contract/image-deploy.spec.ts'),
    works(
      'Image service UUIDs: of the service inside, deploy pair and instance',
      'test/e2e/image-by-uuid.spec.ts',
    ),
    works(
      'The Image service inside: /v2/images as Glance has it, uploads inspected, bytes once by content',
      `${API}/image.spec.ts`,
      '[how](../how-to/image-service.md)',
    ),
    works(
      'Its listings, patches, tags, members, actions, imports; Glance’s default roles',
      `${API}/image-catalog.spec.ts`,
    ),
    works(
      'Deployment by UUID from it, without a copy of the bytes',
      'test/component/image/local-images.spec.ts',
      'through the image room; a whole deployment from it is not in a test yet',
    ),
    works('Checksums: values, files, md5 switch', 'test/component/image/resolve.spec.ts'),
    works(
      'Forms of checksum files: coreutils and BSD lines, DIGESTS sections, BLAKE2, gzip-encoded, UTF-16',
      'test/unit/domain/image/checksum.spec.ts',
      'one reader for daemon and agent',
    ),
    works(
      'Proxies and NO_PROXY for every download of daemon and agent, by one rule',
      'test/component/agent/outbound.spec.ts',
      '[how](../how-to/images.md)',
    ),
    works(
      'Private certificate authorities: image servers (also for our agent), Glance, Keystone',
      'test/component/image/proxy.spec.ts',
      'image.ca_file, auth.keystone.ca_file; OpenStack’s agent has those of its ramdisk',
    ),
    works(
      'Images of an outside Glance: those that the requester’s project may see',
      'test/component/api/auth/outside-image-sight.spec.ts',
    ),
    works(
      'ISO images with a boot record, written to the disk; plain ISOs refused before the write',
      'test/component/agent/write-image.spec.ts',
    ),
    works('Cache: freshness, one download, resume, eviction', 'test/component/image/cache.spec.ts'),
    works(
      'Cache: listed, fetched ahead, pinned, evicted',
      'test/component/image/cache-admin.spec.ts',
      'not in Ironic; ferric image cache, /v1/image_cache',
    ),
    works('Format inspection before any tool', 'test/component/protocol/image-format.spec.ts'),
    works(
      'An image of another kind than told (partition, whole disk): refused before it is written',
      'test/component/image/disk-contents.spec.ts',
      'not in Ironic; also images that the machine fetches itself',
    ),
    works(
      'Built: Debian partitions and whole disks for BIOS and UEFI, without loop devices or mounts',
      'test/e2e/image-build/user-image.spec.ts',
      'not in Ironic; [how](../how-to/build-images.md)',
    ),
    works(
      'Partition images and whole disks built by disk-image-builder; other distributions where their sources can be reached',
      'test/images/disk-image-builder.spec.ts',
      '`make test-images`: Debian, booted to the login, the whole disk by BIOS and by UEFI',
    ),
    works(
      'Changed and enlarged by libguestfs: packages, scripts, a larger disk',
      'test/images/guestfs.spec.ts',
      '`make test-images`',
    ),
    works(
      'A virtual machine’s disk imported: file or libvirt domain, not while it runs',
      'test/contract/cli/image-api.spec.ts',
    ),
    works(
      'Looked into: kind, partitions, boot loaders, safety, sums',
      'test/component/image-build/inspect.spec.ts',
    ),
    works('Conversion to raw under limits', 'test/component/image/convert.spec.ts'),
    works(
      'Image pipeline: eleven steps of a TripleO build file, skipped by content, carried on, published',
      'test/component/image-build/pipeline/pipeline.spec.ts',
      'not in Ironic; ferric image pipeline; with libguestfs, and each image booted, in `make test-images`',
    ),
    works(
      'Partition images: sizes, disk label, config drive; GRUB from inside the image on BIOS and UEFI',
      'test/e2e/image-by-uuid.spec.ts',
      'an image without GRUB, or with a partition table, is refused before the machine is touched',
    ),
    works(
      'Programs of partition images shut in: nobody’s accounts, a root of their own, no capability, bounds',
      'test/component/agent/shut-in.spec.ts',
      'where that cannot be had they are not run; tried in the ramdisk by e2e-all/hostile-partition.spec.ts',
    ),
    works('Rebuild that keeps the ephemeral partition', 'test/component/agent/write-partition-image.spec.ts'),
    works(
      'Network boot of the instance by its own kernel and ramdisk (boot_option:netboot)',
      'test/e2e-all/partition.spec.ts',
      'Ironic ignores the word since 2023',
    ),
    no('oci://, anaconda and bootc images'),
  ],
  'Config drive and root device': [
    works('Config drive as ISO, URL or JSON object', 'test/contract/protocol/config-drive.spec.ts'),
    works('Root device hints, all operators', 'test/unit/domain/root-device/match.spec.ts'),
    works(
      'Serial number, WWN and path of disks as udev 252 says them',
      'test/component/agent/udev.spec.ts',
      'a serial number that several disks have picks none of them',
    ),
    works(
      'Disks of 4096-byte sectors: images for others are refused, the config drive is FAT',
      'test/component/agent/sector-size.spec.ts',
    ),
  ],
  Cleaning: [
    works(
      'Steps of agent and conductor by priority; overrides',
      'test/component/driver/direct-deploy.spec.ts',
    ),
    works('Erasure of metadata, of all, express; once by any path', 'test/component/agent/clean.spec.ts'),
    no('Burn-in steps'),
  ],
  'Network boot services': [
    works('DHCP: known MACs, static and pool addresses, relays', 'test/component/netboot/dhcp.spec.ts'),
    works(
      'Racks behind a relay that renew past it; option 82, link and subnet selection',
      'test/component/netboot/relay.spec.ts',
      'dhcrelay, udhcpc, dhclient',
    ),
    works('proxyDHCP beside another server', 'test/e2e/netboot/firmware.spec.ts'),
    works(
      'UEFI HTTP boot without TFTP, boot interfaces ipxe and pxe',
      'test/e2e-all/variants.spec.ts',
      '[how](../how-to/real-network.md#uefi-http-boot-without-tftp); not with Secure Boot: Debian signs no boot loader that knows HTTP',
    ),
    works('TFTP with blksize, tsize, timeout, windowsize', 'test/component/netboot/tftp.spec.ts'),
    works('HTTP with Range', 'test/component/netboot/http.spec.ts'),
    no('IPv6; DHCP by dnsmasq or Neutron'),
    no(
      'DHCP for InfiniBand (hardware type 32)',
      'RFC 4390: such clients are told by their client id, and are not answered',
    ),
  ],
  Agent: [
    works('Lookup, heartbeat, token, pinned certificate', `${API}/ramdisk.spec.ts`),
    works('Commands, step lists, write_image raw and qcow2', 'test/component/agent/write-image.spec.ts'),
    works(
      'The upstream agent under this daemon: cleaning, raw and qcow2, config drive',
      'test/contract/agent/upstream-replay.spec.ts',
      'whole runs recorded from it; with a ramdisk at hand `make test-interop`',
    ),
    works(
      'Partition images by the upstream agent: BIOS (msdos, gpt) and UEFI',
      'test/interop/upstream-agent.spec.ts',
      'IPA 9.1.1 and 2023.1; with a ramdisk at hand; [its own limits](../how-to/upstream-agent.md)',
    ),
    works(
      'This agent under OpenStack’s ironic-conductor',
      'test/interop/our-agent.spec.ts',
      'Ironic 21.4; fast track too; [how](../how-to/agent-under-ironic.md)',
    ),
    no('Fast track'),
  ],
  Operation: [
    works('Verbs of a node: which are allowed now, and why not the others', `${API}/actions.spec.ts`),
    works('What was tried with a node: attempts, steps, times, ends', `${API}/attempts.spec.ts`),
    works('Why an attempt failed: the cause, how far the machine came, what to do', `${API}/why.spec.ts`),
    works('Numbers of nodes by state, class, owner', `${API}/summary.spec.ts`),
    works('Machines from the shell: `ferric node`, `ferric status`', 'test/component/cli/node.spec.ts'),
    works('What was seen of a machine while it booted', 'test/component/netboot/sightings.spec.ts'),
    works('Live stream of events', `${API}/event-stream.spec.ts`, 'an extension of ours'),
    works('PostgreSQL restarted under work', 'test/component/crash/database-restart.spec.ts'),
    works('Metrics in Prometheus’ format, with alert rules', 'test/component/daemon/prometheus.spec.ts'),
    no('More than one conductor; notifications, audit log, web page'),
  ],
};

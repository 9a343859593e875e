// Debian's python3-ironicclient against the daemon as it is shipped, with a node of the type ipmi, which the sweep beside
// Debian's Ironic (test/contract/baremetal) has none of: Ironic's standalone guide, and what Ferric has beyond.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonHome } from '../support/daemon.js';
import { BaremetalClient } from './baremetal/client.js';

let home: DaemonHome;
let program: BaremetalClient;
let node: string;

beforeAll(async () => {
  home = new DaemonHome({ conductor: { node_locked_retry_interval: 0.2 } });
  program = await BaremetalClient.start((await home.start()).url, home.directory);
});
afterAll(async () => {
  await program?.stop();
  await home?.remove();
});

/** @returns what `baremetal` prints; throws with its standard error when it fails */
async function baremetal(...args: string[]): Promise<string> {
  const result = await client(args);
  if (result.exitCode !== 0) throw new Error(`baremetal ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

async function client(args: string[]) {
  const { status, stdout, stderr } = await program.run(args);
  return { stdout, stderr: stderr.trim(), exitCode: status };
}

const json = async (...args: string[]) => JSON.parse(await baremetal(...args, '-f', 'json'));
const fields = (ident: string, ...names: string[]) => json('node', 'show', ident, '--fields', ...names);

/** `| Field | Value |` lines of a table. */
function tableOf(text: string): Record<string, string> {
  const rows = [...text.matchAll(/^\| (\S+) +\| (.*?) *\|$/gm)];
  return Object.fromEntries(rows.map(([, name, value]) => [name!, value!]));
}

describe('the enrolment example of Ironic’s standalone guide', () => {
  it('node create prints the node with the password hidden', async () => {
    const printed = await baremetal(
      'node',
      'create',
      '--driver',
      'ipmi',
      '--driver-info',
      'ipmi_address=ipmi.server.net',
      '--driver-info',
      'ipmi_username=user',
      '--driver-info',
      'ipmi_password=pass',
      '--driver-info',
      'deploy_kernel=file:///images/deploy.vmlinuz',
      '--driver-info',
      'deploy_ramdisk=http://my.server.net/images/deploy.ramdisk',
    );
    const table = tableOf(printed);
    node = table['uuid']!;
    expect(node).toMatch(/^[0-9a-f-]{36}$/);
    expect(printed).not.toContain('pass,');
    expect(table).toMatchObject({
      driver: 'ipmi',
      extra: '{}',
      properties: '{}',
      chassis_uuid: 'None',
      provision_state: 'enroll',
      power_state: 'None',
      power_interface: 'ipmitool',
      management_interface: 'ipmitool',
      boot_interface: 'ipxe',
      deploy_interface: 'direct',
      network_interface: 'noop',
      traits: '[]',
      maintenance: 'False',
      conductor_group: '',
    });
    const info = JSON.parse(table['driver_info']!.replaceAll("'", '"'));
    expect(info).toEqual({
      ipmi_address: 'ipmi.server.net',
      ipmi_username: 'user',
      ipmi_password: '******',
      deploy_kernel: 'file:///images/deploy.vmlinuz',
      deploy_ramdisk: 'http://my.server.net/images/deploy.ramdisk',
    });
  });
  it('port create makes its port', async () => {
    const table = tableOf(await baremetal('port', 'create', '52:54:00:12:34:56', '--node', node));
    expect(table).toMatchObject({
      address: '52:54:00:12:34:56',
      node_uuid: node,
      pxe_enabled: 'True',
      extra: '{}',
    });
    expect(await json('port', 'list')).toEqual([{ UUID: table['uuid'], Address: '52:54:00:12:34:56' }]);
    expect(await json('port', 'list', '--node', node, '--long')).toHaveLength(1);
    await baremetal('port', 'set', table['uuid']!, '--physical-network', 'physnet1', '--pxe-disabled');
    expect(await json('port', 'show', table['uuid']!)).toMatchObject({
      physical_network: 'physnet1',
      pxe_enabled: false,
    });
    const again = await client(['--max-retries', '1', 'port', 'create', '52:54:00:12:34:56', '--node', node]);
    expect(again.stderr).toContain('A port with MAC address 52:54:00:12:34:56 already exists. (HTTP 409)');
    const noMac = await client(['port', 'create', 'not-a-mac', '--node', node]);
    expect(noMac.stderr).toBe('Expected valid MAC address for address: not-a-mac (HTTP 400)');
  });
  it('node list and node show print it', async () => {
    expect(await json('node', 'list')).toEqual([
      {
        UUID: node,
        Name: null,
        'Instance UUID': null,
        'Power State': null,
        'Provisioning State': 'enroll',
        Maintenance: false,
      },
    ]);
    const [long] = await json('node', 'list', '--long');
    expect(long).toMatchObject({
      UUID: node,
      'Driver Info': { ipmi_password: '******' },
      'Boot Interface': 'ipxe',
    });
    expect(
      await json(
        'node',
        'list',
        '--fields',
        'uuid',
        'driver',
        '--provision-state',
        'enroll',
        '--driver',
        'ipmi',
      ),
    ).toEqual([{ UUID: node, Driver: 'ipmi' }]);
    const shown = await json('node', 'show', node);
    // What the peer prints for the same command, key by key.
    expect(Object.keys(shown)).toEqual([
      'allocation_uuid',
      'automated_clean',
      'bios_interface',
      'boot_interface',
      'boot_mode',
      'chassis_uuid',
      'clean_step',
      'conductor',
      'conductor_group',
      'console_enabled',
      'console_interface',
      'created_at',
      'deploy_interface',
      'deploy_step',
      'description',
      'driver',
      'driver_info',
      'driver_internal_info',
      'extra',
      'fault',
      'inspect_interface',
      'inspection_finished_at',
      'inspection_started_at',
      'instance_info',
      'instance_uuid',
      'last_error',
      'lessee',
      'maintenance',
      'maintenance_reason',
      'management_interface',
      'name',
      'network_data',
      'network_interface',
      'owner',
      'power_interface',
      'power_state',
      'properties',
      'protected',
      'protected_reason',
      'provision_state',
      'provision_updated_at',
      'raid_config',
      'raid_interface',
      'rescue_interface',
      'reservation',
      'resource_class',
      'retired',
      'retired_reason',
      'secure_boot',
      'storage_interface',
      'target_power_state',
      'target_provision_state',
      'target_raid_config',
      'traits',
      'updated_at',
      'uuid',
      'vendor_interface',
    ]);
  });
  it('node set and unset change it', async () => {
    await baremetal(
      'node',
      'set',
      node,
      '--name',
      'web-1',
      '--property',
      'cpus=8',
      '--property',
      'cpu_arch=x86_64',
      '--resource-class',
      'baremetal',
      '--instance-info',
      'image_source=http://my.server.net/images/disk.qcow2',
    );
    expect(await fields('web-1', 'name', 'properties', 'resource_class', 'instance_info')).toEqual({
      name: 'web-1',
      properties: { cpus: 8, cpu_arch: 'x86_64' },
      resource_class: 'baremetal',
      instance_info: { image_source: 'http://my.server.net/images/disk.qcow2' },
    });
    await baremetal('node', 'unset', 'web-1', '--property', 'cpus', '--resource-class');
    expect(await fields('web-1', 'properties', 'resource_class')).toEqual({
      properties: { cpu_arch: 'x86_64' },
      resource_class: null,
    });
    await baremetal('node', 'maintenance', 'set', 'web-1', '--reason', 'fan broken');
    expect(await fields('web-1', 'maintenance', 'maintenance_reason')).toEqual({
      maintenance: true,
      maintenance_reason: 'fan broken',
    });
    await baremetal('node', 'maintenance', 'unset', 'web-1');
  });
  it('node validate tells what is missing', async () => {
    const report = (await json('node', 'validate', 'web-1')) as {
      Interface: string;
      Result: boolean;
      Reason: string;
    }[];
    const of = (name: string) => report.find((row) => row.Interface === name);
    expect(of('power')).toMatchObject({ Result: true });
    expect(of('management')).toMatchObject({ Result: true });
    expect(of('deploy')).toMatchObject({ Result: false, Reason: expect.stringMatching(/checksum|image/i) });
    expect(of('bios')).toMatchObject({
      Result: false,
      Reason: 'Driver ipmi does not support bios (disabled or not implemented).',
    });
  });
  it('errors read as Ironic’s do', async () => {
    const errors = async (...args: string[]) => (await client(['--max-retries', '1', ...args])).stderr;
    expect(await errors('node', 'provide', 'web-1')).toBe(
      `The requested action "provide" can not be performed on node "${node}" while it is in state "enroll". Ask for "manage" first. (HTTP 400)`,
    );
    expect(await errors('node', 'create', '--driver', 'nosuch')).toBe(
      'No valid host was found. Reason: No conductor service registered which supports driver nosuch for conductor group "". ' +
        'Enabled hardware types (driver.enabled_hardware_types): fake-hardware, ipmi, redfish. (HTTP 400)',
    );
    expect(await errors('node', 'create', '--driver', 'ipmi', '--name', 'web-1')).toContain(
      'A node with name web-1 already exists. (HTTP 409)',
    );
    expect(await errors('node', 'show', 'nosuch')).toBe('Node nosuch could not be found. (HTTP 404)');
  });
});

describe('a fake-hardware node', () => {
  it('is created, managed and provided', async () => {
    const made = await json('node', 'create', '--driver', 'fake-hardware', '--name', 'fake-1');
    expect(made).toMatchObject({ name: 'fake-1', deploy_interface: 'fake', provision_state: 'enroll' });
    expect(await baremetal('node', 'manage', 'fake-1', '--wait', '60')).toBe(
      'Waiting for provision state manageable on node fake-1\n',
    );
    await baremetal('node', 'provide', 'fake-1', '--wait', '60');
    expect(await fields('fake-1', 'provision_state', 'target_provision_state')).toEqual({
      provision_state: 'available',
      target_provision_state: null,
    });
  });
  it('is deployed with a config drive and undeployed', async () => {
    await baremetal(
      'node',
      'deploy',
      'fake-1',
      '--wait',
      '60',
      '--config-drive',
      '{"meta_data": {"key": "canary"}}',
    );
    const active = await json('node', 'show', 'fake-1');
    expect(active.provision_state).toBe('active');
    expect(JSON.stringify(active)).not.toContain('canary');
    const refused = await client(['--max-retries', '1', 'node', 'delete', 'fake-1']);
    expect(refused.stderr).toContain('while it is in provision state "active"');
    await baremetal('node', 'rebuild', 'fake-1', '--wait', '60');
    await baremetal('node', 'undeploy', 'fake-1', '--wait', '60');
    expect(await fields('fake-1', 'provision_state', 'instance_info')).toEqual({
      provision_state: 'available',
      instance_info: {},
    });
  });
  it('has a history and goes', async () => {
    const history = (await json('node', 'history', 'list', 'fake-1')) as {
      'Description of the event': string;
    }[];
    expect(history.length).toBeGreaterThan(10);
    const [first] = await json('node', 'history', 'list', 'fake-1', '--long');
    expect(first).toMatchObject({ Severity: 'INFO' });
    await baremetal('node', 'delete', 'fake-1');
    expect((await client(['node', 'show', 'fake-1'])).stderr).toContain('(HTTP 404)');
  });
});

describe('the service', () => {
  it('lists drivers and conductors', async () => {
    const [ipmi] = (await json('driver', 'list')).filter(
      (row: { 'Supported driver(s)': string }) => row['Supported driver(s)'] === 'ipmi',
    );
    const host = ipmi['Active host(s)'];
    expect(host).toBeTruthy();
    expect(await json('driver', 'show', 'ipmi')).toMatchObject({
      name: 'ipmi',
      type: 'dynamic',
      hosts: host,
      default_power_interface: 'ipmitool',
      enabled_boot_interfaces: expect.stringContaining('ipxe'),
    });
    const properties = (await json('driver', 'property', 'list', 'ipmi')) as {
      Property: string;
      Description: string;
    }[];
    expect(properties.find((row) => row.Property === 'ipmi_address')?.Description).toContain('Required');
    expect(await json('conductor', 'list')).toEqual([{ Hostname: host, 'Conductor Group': '', Alive: true }]);
    expect(await json('conductor', 'show', host)).toMatchObject({
      hostname: host,
      alive: true,
      drivers: ['fake-hardware', 'ipmi', 'redfish'],
    });
  });
  it('wrote no secret to its log', () => {
    expect(home.log()).not.toMatch(/canary|"pass"/);
  });
});

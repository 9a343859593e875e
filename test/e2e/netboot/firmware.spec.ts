import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BootPlanRepository } from '../../../src/persistence/boot-plan/boot-plan.repository.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { PortRepository } from '../../../src/persistence/port/port.repository.js';
import { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { startTestDatabase, type TestDatabase, testKeyring } from '../../support/database.js';
import { bundle, ip, isRoot, Rack, type Started } from '../../support/netboot/rack.js';
import { onDisk } from '../../support/published.js';

const MAC = '52:54:00:00:77:01';
const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd';
let database: TestDatabase;
let daemon: string;
let qemu: string;
let node_uuid: string;
let rack: Rack;
let server: string;

beforeAll(async () => {
  database = await startTestDatabase();
  daemon = await bundle('test/support/netboot/netboot-daemon.ts');
  qemu = await bundle('test/support/netboot/run-ready.ts');
  const nodes = new NodeRepository(database.source, testKeyring());
  node_uuid = (await nodes.create({ uuid: randomUUID(), driver: 'ipmi', provision_state: 'enroll' })).uuid;
  await new PortRepository(database.source).create({ uuid: randomUUID(), node_uuid, address: MAC });
});
afterAll(() => database.stop());

/** A bridge with the server's address on it, in a namespace; machines hang on it by taps. */
async function serve(dhcp: object = {}, more: object = {}): Promise<Started> {
  const range = { cidr: '10.77.0.0/24', range_start: '10.77.0.100', range_end: '10.77.0.120' };
  const section = {
    dhcp: { interface: 'br0', subnets: [range], ...dhcp },
    tftp: { listen: '10.77.0.1' },
    http: { listen: '10.77.0.1' },
    ...more,
  };
  return rack.start(server, daemon, [
    JSON.stringify({ section, connection: database.connection, roots: [rack.directory] }),
  ]);
}

/** The node's plan: its script fetches one more file, which shows in the server's log that the script ran. */
async function plan(kind: 'ipxe' | 'pxe'): Promise<void> {
  const script = join(rack.directory, 'config');
  writeFileSync(script, `#!ipxe\nimgfetch --name done http://10.77.0.1:8080/${node_uuid}/done\npoweroff\n`);
  writeFileSync(join(rack.directory, 'done'), 'done');
  const grub = join(rack.directory, 'grub');
  writeFileSync(grub, `cat ($root)/${node_uuid}/done\nhalt\n`);
  await new BootPlanRepository(database.source).put({
    node_uuid,
    macs: [MAC],
    kind,
    boot_mode: 'bios',
  });
  await new PublishedFileRepository(database.source, testKeyring()).publish({
    node_uuid,
    publisher: 'boot',
    life: 'node',
    conductor: 'here',
    files: [
      onDisk('http', `pxelinux.cfg/${MAC.replaceAll(':', '-')}`, script),
      onDisk('http', `${MAC}.conf`, grub),
      onDisk('http', `${node_uuid}/done`, join(rack.directory, 'done')),
    ],
  });
}

/** QEMU's knobs of OVMF: with PXE off, what is left of network boot is HTTP. */
const HTTP_ALONE = ['IPv4PXESupport', 'IPv6PXESupport'].flatMap((name) => [
  '-fw_cfg',
  `name=opt/org.tianocore/${name},string=no`,
]);

async function machine(firmware: 'bios' | 'uefi', more: readonly string[] = []): Promise<Started> {
  const vars = join(rack.directory, 'vars.fd');
  copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd', vars);
  const nic = firmware === 'uefi' ? ',romfile=' : ''; // without QEMU's iPXE ROM: OVMF's own PXE
  return rack.start(server, qemu, [
    'qemu-system-x86_64',
    '-accel',
    'tcg',
    '-cpu',
    'max',
    '-m',
    '512',
    '-nodefaults',
    '-display',
    'none',
    '-serial',
    'stdio',
    ...(firmware === 'uefi'
      ? [
          '-M',
          'q35',
          '-drive',
          `if=pflash,format=raw,readonly=on,file=${OVMF}`,
          '-drive',
          `if=pflash,format=raw,file=${vars}`,
        ]
      : ['-M', 'pc,graphics=off']),
    '-netdev',
    'tap,id=n0,ifname=tap0,script=no,downscript=no',
    '-device',
    `virtio-net-pci,netdev=n0,mac=${MAC},bootindex=0${nic}`,
    ...more,
  ]);
}

async function until(started: Started, text: string, console: Started): Promise<void> {
  for (let i = 0; i < 1_800; i++) {
    if (started.output.includes(text)) return;
    await sleep(100);
  }
  throw new Error(`never came: ${text}\n${started.output.slice(-4000)}\n${console.output.slice(-4000)}`);
}

const booted = () => `"name":"${node_uuid}/done","status":200`;

describe.skipIf(!isRoot)('real firmware boots by our DHCP, TFTP and HTTP', () => {
  beforeEach(async () => {
    rack = new Rack();
    server = rack.add('server');
    ip('-n', server, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', server, 'addr', 'add', '10.77.0.1/24', 'dev', 'br0');
    ip('-n', server, 'link', 'set', 'br0', 'up');
    await rack.run(server, ['ip', 'tuntap', 'add', 'dev', 'tap0', 'mode', 'tap']);
    ip('-n', server, 'link', 'set', 'tap0', 'master', 'br0');
    ip('-n', server, 'link', 'set', 'tap0', 'up');
    return () => rack.stop();
  });

  it('BIOS with an iPXE ROM: boot.ipxe by HTTP, then its own script', async () => {
    await plan('ipxe');
    const daemons = await serve();
    const vm = await machine('bios');
    await until(daemons, booted(), vm);
    expect(daemons.output).toContain('"file":"http://10.77.0.1:8080/boot.ipxe"');
    expect(daemons.output).toContain('"name":"pxelinux.cfg/52-54-00-00-77-01","status":200');
    expect(daemons.output).not.toContain('fault of ours');
  });

  it('BIOS, the pxe boot interface: first stage by TFTP from QEMU’s ROM', async () => {
    await plan('pxe');
    const daemons = await serve({}, { pxe_first_stage: { bios: 'undionly.kpxe' } });
    const vm = await machine('bios');
    await until(daemons, '"msg":"TFTP: sent"', vm);
    expect(daemons.output).toMatch(/"file":"undionly.kpxe".*TFTP: sent/);
  });

  it('UEFI native PXE: snponly.efi by TFTP, then iPXE by HTTP', async () => {
    await plan('ipxe');
    const daemons = await serve();
    const vm = await machine('uefi');
    await until(daemons, booted(), vm);
    expect(daemons.output).toMatch(/"file":"snponly.efi".*TFTP: sent/);
  });

  it.each(['ipxe', 'pxe'] as const)('UEFI by HTTP alone, boot interface %s', async (kind) => {
    await plan(kind);
    const daemons = await serve({}, { tftp: { listen: null } });
    const vm = await machine('uefi', HTTP_ALONE);
    await until(daemons, booted(), vm);
    expect(daemons.output).toContain('"file":"http://10.77.0.1:8080/snponly.efi"');
    expect(daemons.output).toContain('"name":"snponly.efi","status":200');
    expect(daemons.output).not.toContain('PXEClient');
  });

  it('UEFI by HTTP alone, the pxe boot interface with a shim whose GRUB knows HTTP', async () => {
    await plan('pxe');
    const grub = join(rack.directory, 'grubx64.efi');
    const modules = ['efinet', 'http', 'net', 'normal', 'configfile', 'cat', 'halt'];
    execFileSync('grub-mkimage', ['-O', 'x86_64-efi', '-p', '/grub', '-o', grub, ...modules]);
    const daemons = await serve(
      {},
      {
        tftp: { listen: null },
        pxe_http_first_stage: { uefi_x64: 'bootx64.efi' },
        files: { 'bootx64.efi': '/usr/lib/shim/shimx64.efi.signed', 'grubx64.efi': grub },
      },
    );
    const vm = await machine('uefi', HTTP_ALONE);
    await until(daemons, booted(), vm);
    for (const name of ['bootx64.efi', 'grubx64.efi', 'grub/grub.cfg', `${MAC}.conf`]) {
      expect(daemons.output).toContain(`"name":"${name}","status":200`);
    }
  });

  it('UEFI beside a site’s own DHCP server: proxyDHCP', async () => {
    await plan('ipxe');
    const daemons = await serve({ mode: 'proxy', subnets: [] });
    const site = rack.add('site');
    rack.wire({ in: server, as: 'site0' }, { in: site, as: 'eth0', ip: '10.77.0.9/24' });
    ip('-n', server, 'link', 'set', 'site0', 'master', 'br0');
    await rack.start(site, qemu, [
      'dnsmasq',
      '-k',
      '-C',
      '/dev/null',
      '--port=0',
      '--interface=eth0',
      '--bind-interfaces',
      '--leasefile-ro',
      '--pid-file=',
      '--dhcp-range=10.77.0.50,10.77.0.60,1h',
      '--user=root',
      '--log-facility=-',
    ]);
    const vm = await machine('uefi');
    await until(daemons, booted(), vm);
    expect(daemons.output).toMatch(/"file":"snponly.efi".*TFTP: sent/);
    expect(daemons.output).toContain('"ip":"0.0.0.0"');
  });
});

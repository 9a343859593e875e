import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../../image-build/process/run.js';
import { createLab, type Lab } from '../../../lab/lab.js';
import type { NamespaceDoor } from '../../../lab/network/namespace-door.js';
import type { LabProcess } from '../../../lab/process/lab-process.js';
import { DhcpClients, dhcpBoot } from '../../../lab/simulated/dhcp-boot.js';
import { tftpDrain } from '../../../lab/simulated/tftp-client.js';

const MAC = '52:54:00:01:02:03';

// dnsmasq is the judge: the packets of the simulated firmware are made by the codecs that the daemon has too.
describe('simulated firmware before dnsmasq', () => {
  const root = mkdtempSync(join(tmpdir(), 'lab-dhcp-'));
  let lab: Lab;
  let door: NamespaceDoor;
  let dnsmasq: LabProcess;
  let log = '';
  let clients: DhcpClients;

  beforeAll(async () => {
    lab = await createLab({ name: 'lab-dhcp', root });
    const segment = await lab.network.addSegment('clients');
    door = segment.door;
    await run('ip', ['-n', segment.namespace, 'addr', 'add', '10.77.0.200/24', 'dev', 'eth0']);
    mkdirSync(join(root, 'tftp'));
    for (const [name, size] of Object.entries({ 'bios.0': 65_537, 'uefi.efi': 1432 * 3, empty: 0 }))
      writeFileSync(join(root, 'tftp', name), Buffer.alloc(size, name));
    writeFileSync(
      join(root, 'dnsmasq.conf'),
      `port=0
interface=br0
bind-interfaces
no-ping
dhcp-range=10.77.0.50,10.77.0.59,255.255.255.0,1h
dhcp-host=${MAC},10.77.0.77
log-dhcp
log-facility=-
user=root
enable-tftp
tftp-root=${root}/tftp
dhcp-userclass=set:ipxe,iPXE
dhcp-match=set:uefi,option:client-arch,7
dhcp-boot=tag:!ipxe,tag:!uefi,bios.0
dhcp-boot=tag:!ipxe,tag:uefi,uefi.efi
dhcp-boot=tag:ipxe,http://10.77.0.1:8080/boot.ipxe
dhcp-leasefile=${root}/leases
pid-file=${root}/dnsmasq.pid
`,
    );
    const args = ['--keep-in-foreground', `--conf-file=${root}/dnsmasq.conf`];
    dnsmasq = await lab.start('dnsmasq', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    dnsmasq.child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    for (let i = 0; i < 100 && !log.includes('DHCP, IP range'); i++) await sleep(20);
    clients = new DhcpClients(await door.udp('0.0.0.0', 68));
  });
  afterAll(async () => {
    await lab.close();
    rmSync(root, { recursive: true });
  });

  it('gets the address of its reservation, and is taken for what it says it is', async () => {
    const lease = await clients.lease({
      mac: MAC,
      arch: 7,
      ipxe: false,
      uuid: '6205947e-9b2f-51ce-8d85-88f60813d2c3',
    });
    expect(lease).toMatchObject({
      address: '10.77.0.77',
      server: '10.77.0.1',
      nextServer: '10.77.0.1',
      bootFile: 'uefi.efi',
    });
    expect(log).toMatch(/vendor class: PXEClient:Arch:00007:UNDI:003010/);
    // The log comes through a pipe, behind the packet.
    await vi.waitFor(() => expect(log).toMatch(/DHCPACK\(br0\) 10\.77\.0\.77 52:54:00:01:02:03/));
  });

  it('boots in two stages as firmware, in one as iPXE', async () => {
    const at = (firmware: 'bios' | 'uefi', rom: 'ipxe' | 'firmware', mac: string) =>
      dhcpBoot({ clients, rom, udp: () => door.udp('10.77.0.200', 0) })(
        { mac, uuid: '6205947e-9b2f-51ce-8d85-88f60813d2c3', firmware },
        new AbortController().signal,
      );
    const script = { scriptUrl: 'http://10.77.0.1:8080/boot.ipxe' };
    expect(await at('bios', 'firmware', '52:54:00:01:02:04')).toMatchObject(script);
    expect(log).toContain('sent /'.concat(join(root, 'tftp/bios.0').slice(1)));
    expect(await at('uefi', 'firmware', '52:54:00:01:02:05')).toMatchObject(script);
    expect(log).toContain(join(root, 'tftp/uefi.efi'));
    const sent = log.split('sent /').length;
    expect(await at('uefi', 'ipxe', MAC)).toMatchObject({
      ...script,
      settings: { 'net0/ip': '10.77.0.77', 'next-server': '10.77.0.1' },
    });
    expect(log.split('sent /')).toHaveLength(sent);
  });

  it('asks for many at once on one socket', async () => {
    const macs = Array.from({ length: 8 }, (_, i) => `52:54:00:0a:00:0${i}`);
    const leases = await Promise.all(macs.map((mac) => clients.lease({ mac, arch: 0, ipxe: true })));
    expect(new Set(leases.map(({ address }) => address)).size).toBe(8);
  });

  it('reads files of every kind of length by TFTP, and hears refusals', async () => {
    const get = async (name: string, blksize?: number) =>
      tftpDrain(await door.udp('10.77.0.200', 0), { host: '10.77.0.1', port: 69 }, name, {
        ...(blksize ? { blksize } : {}),
      });
    expect(await get('bios.0')).toBe(65_537);
    expect(await get('bios.0', 512)).toBe(65_537);
    expect(await get('uefi.efi', 1432), 'a last block of nothing').toBe(1432 * 3);
    expect(await get('empty')).toBe(0);
    await expect(get('missing')).rejects.toThrow(/error 1, /);
  });

  it('gives up when nobody answers', async () => {
    await dnsmasq.end();
    await expect(clients.lease({ mac: MAC, arch: 0, ipxe: true, retry: 5 })).rejects.toThrow(
      'no DHCP answer',
    );
    const nobody = tftpDrain(await door.udp('10.77.0.200', 0), { host: '10.77.0.1', port: 69 }, 'x', {
      timeout: 10,
      retries: 2,
    });
    await expect(nobody).rejects.toThrow(/no answer|ECONNREFUSED/);
  });
});

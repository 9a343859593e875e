import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { netbootSection } from '../../../../src/config/section/netboot.js';
import { answer, type Memory, type Reply } from '../../../../src/netboot/dhcp/answer.js';
import { question, type Received } from '../../../../src/netboot/dhcp/question.js';
import { type DhcpSettings, dhcpSettings } from '../../../../src/netboot/dhcp/settings.js';
import { getOption } from '../../../../src/protocol/dhcp4/options.js';
import { type Dhcp4Packet, decodeDhcp4, encodeDhcp4 } from '../../../../src/protocol/dhcp4/packet.js';
import { MalformedPacket } from '../../../../src/protocol/malformed-packet.js';
import { CLIENT_MAC, clientPacket } from '../../../support/netboot/dhcp-client.js';
import { IPXE_BIOS, OVMF_PXE, UDHCPC_PXE } from '../../../support/netboot/recorded-dhcp.js';

const section = (mode: 'server' | 'proxy' = 'server') =>
  netbootSection.parse({
    dhcp: {
      interface: 'eth1',
      mode,
      lease_time: 600,
      subnets: [
        {
          cidr: '10.77.0.0/24',
          range_start: '10.77.0.100',
          range_end: '10.77.0.200',
          routers: ['10.77.0.1'],
          dns_servers: ['10.77.0.2', '10.77.0.3'],
          domain_name: 'rack.example',
        },
        { cidr: '10.78.0.0/24', relays: ['10.78.0.1'], routers: ['10.78.0.1'] },
      ],
      hosts: [{ mac: CLIENT_MAC, ip: '10.77.0.9', hostname: 'bm-1' }],
    },
    http: { listen: '10.77.0.1' },
    first_stage: { uefi_ia32: 'ipxe32.efi', uefi_arm64: 'arm64.efi' },
  });
const server = dhcpSettings(section(), '10.77.0.1');
const proxy = dhcpSettings(section('proxy'), '10.77.0.1');
const local: Received = { address: '0.0.0.0', port: 68, localPort: 67 };
const known: Memory = { port: { node_uuid: 'n' }, plan: { kind: 'ipxe' }, address: '10.77.0.101' };

function ask(
  packet: Dhcp4Packet,
  memory: Memory = known,
  settings: DhcpSettings = server,
  received: Received = local,
) {
  const asked = question(packet, received, settings);
  return 'silence' in asked ? asked : answer(asked, memory, settings);
}
function reply(...args: Parameters<typeof ask>): Reply {
  const result = ask(...args);
  if ('silence' in result) throw new Error(result.silence);
  // What is sent must be what was meant.
  expect(decodeDhcp4(encodeDhcp4(result.reply))).toEqual(result.reply);
  return result;
}
const silence = (...args: Parameters<typeof ask>) => {
  const result = ask(...args);
  return 'silence' in result ? result.silence : 'it answered';
};
const option = ({ reply: packet }: Reply, name: Parameters<typeof getOption>[1]) =>
  getOption(packet.options, name);

describe('an address', () => {
  it('is offered to a known port, with the network it is in', () => {
    const offer = reply(clientPacket('discover'));
    expect(offer.reply).toMatchObject({ op: 'reply', yiaddr: '10.77.0.101', xid: 0x1234, ciaddr: '0.0.0.0' });
    expect(offer).toMatchObject({ to: { address: '255.255.255.255', port: 68 }, binds: null });
    expect(Object.fromEntries(offer.reply.options)).toEqual({
      53: Uint8Array.of(2),
      54: Uint8Array.of(10, 77, 0, 1),
      51: Uint8Array.of(0, 0, 2, 88),
      58: Uint8Array.of(0, 0, 1, 44),
      59: Uint8Array.of(0, 0, 2, 13),
      1: Uint8Array.of(255, 255, 255, 0),
      28: Uint8Array.of(10, 77, 0, 255),
      3: Uint8Array.of(10, 77, 0, 1),
      6: Uint8Array.of(10, 77, 0, 2, 10, 77, 0, 3),
      15: Uint8Array.from(Buffer.from('rack.example')),
      12: Uint8Array.from(Buffer.from('bm-1')),
    });
  });

  it('is acknowledged when it is the one asked for, and bound', () => {
    const ack = reply(clientPacket('request', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }));
    expect(option(ack, 'message_type')).toBe(5);
    expect(ack.binds).toBe('10.77.0.101');
  });

  it('renewed: answered at the address itself', () => {
    const ack = reply(clientPacket('request', {}, { ciaddr: '10.77.0.101' }));
    expect(ack.to).toEqual({ address: '10.77.0.101', port: 68 });
    expect(ack.reply).toMatchObject({ ciaddr: '10.77.0.101', yiaddr: '10.77.0.101' });
  });

  it.each([
    ['another address (init-reboot)', clientPacket('request', { 50: [10, 77, 0, 102] })],
    ['an address of another network', clientPacket('request', {}, { ciaddr: '192.168.1.5' })],
  ])('%s is refused with NAK, by broadcast', (_what, packet) => {
    const nak = reply(packet);
    expect(option(nak, 'message_type')).toBe(6);
    expect(nak).toMatchObject({ to: { address: '255.255.255.255' }, binds: null });
    expect(nak.reply).toMatchObject({ yiaddr: '0.0.0.0', ciaddr: '0.0.0.0' });
    expect(nak.reply.options.has(51)).toBe(false);
  });

  it('sends the client id back (RFC 6842)', () => {
    expect(option(reply(clientPacket('discover', { 61: [1, 2, 3] })), 'client_id')).toEqual(
      Uint8Array.of(1, 2, 3),
    );
  });

  it('inform: the network without an address or a lease', () => {
    const ack = reply(clientPacket('inform', {}, { ciaddr: '10.77.0.50' }), { ...known, address: null });
    expect(ack.reply.yiaddr).toBe('0.0.0.0');
    expect(option(ack, 'lease_time')).toBeUndefined();
    expect(option(ack, 'subnet_mask')).toBe('255.255.255.0');
    expect(ack.to.address).toBe('10.77.0.50');
  });
});

describe('silence', () => {
  const to = (id: number[]) => clientPacket('request', { 50: [10, 77, 0, 101], 54: id });
  it.each<[string, ReturnType<typeof ask> | string]>([
    ['unknown MAC', silence(clientPacket('discover'), { ...known, port: null })],
    ['meant for the server 10.77.0.9', silence(to([10, 77, 0, 9]))],
    ['no address is free for it', silence(clientPacket('discover'), { ...known, address: null })],
    ['not a request', silence(clientPacket('discover', {}, { op: 'reply' }))],
    ['not an Ethernet client', silence(clientPacket('discover', {}, { htype: 32 }))],
    ['not an Ethernet client', silence(clientPacket('discover', {}, { chaddr: new Uint8Array(8) }))],
    ['request without an address', silence(clientPacket('request', { 54: [10, 77, 0, 1] }))],
    ['inform without an address', silence(clientPacket('inform'))],
    ['inform from outside of our networks', silence(clientPacket('inform', {}, { ciaddr: '8.8.8.8' }))],
    ["a server's message: offer", silence(clientPacket('offer'))],
    ['relay 10.99.0.1 is not listed', silence(clientPacket('discover', {}, { giaddr: '10.99.0.1' }))],
    [
      'no network is configured for it',
      silence(clientPacket('discover'), known, dhcpSettings(section(), '10.50.0.1')),
    ],
  ])('%s', (expected, got) => {
    expect(got).toBe(expected);
  });

  it('plain BOOTP', () => {
    const packet = clientPacket('discover');
    packet.options.delete(53);
    expect(silence(packet)).toBe('plain BOOTP');
  });

  const at = (address: string): Received => ({ ...local, address });

  it.each<[string, ReturnType<typeof ask>]>([
    [
      'from another address',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' }),
        known,
        server,
        at('10.77.0.66'),
      ),
    ],
    ['from no address', ask(clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' }))],
    [
      'through a relay',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.78.0.7', giaddr: '10.78.0.1' }),
        known,
        server,
        at('10.78.0.1'),
      ),
    ],
    [
      'of an address of no network',
      ask(
        clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.99.0.7' }),
        known,
        server,
        at('10.99.0.7'),
      ),
    ],
    [
      'declined: of another network',
      ask(clientPacket('decline', { 50: [10, 78, 0, 7], 54: [10, 77, 0, 1] })),
    ],
    [
      'declined: of another network than its relay’s',
      ask(clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }, { giaddr: '10.78.0.1' })),
    ],
    [
      'declined: by one that uses an address',
      ask(clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' })),
    ],
  ])('what is given back %s counts for nothing', (_what, got) => {
    expect(got).toHaveProperty('silence');
    expect(got).not.toHaveProperty('effect');
  });

  it('a release comes through a router from the address itself', () => {
    const packet = clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.78.0.7' });
    expect(ask(packet, known, server, at('10.78.0.7'))).toMatchObject({
      effect: { kind: 'release', ip: '10.78.0.7' },
    });
  });

  it('decline and release are remembered, for our own server id only', () => {
    const declined = clientPacket('decline', { 50: [10, 77, 0, 101], 54: [10, 77, 0, 1] });
    expect(ask(declined)).toMatchObject({ effect: { kind: 'decline', mac: CLIENT_MAC, ip: '10.77.0.101' } });
    const released = clientPacket('release', { 54: [10, 77, 0, 1] }, { ciaddr: '10.77.0.101' });
    expect(ask(released, known, server, at('10.77.0.101'))).toMatchObject({
      effect: { kind: 'release', ip: '10.77.0.101' },
    });
    for (const type of ['decline', 'release'] as const) {
      expect(ask(clientPacket(type, { 50: [10, 77, 0, 101] }, { ciaddr: '10.77.0.101' }))).not.toHaveProperty(
        'effect',
      );
      expect(ask(clientPacket(type, { 50: [10, 77, 0, 101], 54: [9, 9, 9, 9] }))).not.toHaveProperty(
        'effect',
      );
    }
  });
});

describe('boot files', () => {
  const pxe = (arch: number[], more: Record<number, number[] | string> = {}) =>
    clientPacket('discover', { 60: 'PXEClient:Arch:x', 93: arch, ...more });

  it.each([
    ['BIOS', pxe([0, 0]), 'undionly.kpxe'],
    ['UEFI x64 (7)', pxe([0, 7]), 'snponly.efi'],
    ['UEFI x64 (9)', pxe([0, 9]), 'snponly.efi'],
    ['UEFI ia32', pxe([0, 6]), 'ipxe32.efi'],
    ['UEFI arm64', pxe([0, 11]), 'arm64.efi'],
    ['the first architecture known', pxe([0, 99, 0, 7]), 'snponly.efi'],
    ['BIOS that does not say so', clientPacket('discover', { 60: 'PXEClient' }), 'undionly.kpxe'],
    [
      'UEFI by its vendor class',
      clientPacket('discover', { 60: 'PXEClient:Arch:00007:UNDI:003016' }),
      'snponly.efi',
    ],
    ['iPXE by user class', pxe([0, 0], { 77: 'iPXE' }), 'http://10.77.0.1:8080/boot.ipxe'],
    ['iPXE by RFC 3004 user class', pxe([0, 7], { 77: '\x04iPXE' }), 'http://10.77.0.1:8080/boot.ipxe'],
    ['iPXE by option 175', pxe([0, 0], { 175: [1, 1, 1] }), 'http://10.77.0.1:8080/boot.ipxe'],
    ['udhcpc as PXE and iPXE', decodeDhcp4(UDHCPC_PXE), 'http://10.77.0.1:8080/boot.ipxe'],
    ["QEMU's iPXE", decodeDhcp4(IPXE_BIOS), 'http://10.77.0.1:8080/boot.ipxe'],
    ['OVMF', decodeDhcp4(OVMF_PXE), 'snponly.efi'],
  ])('%s', (_what, packet, file) => {
    const offer = reply(packet);
    expect(offer.reply).toMatchObject({ file, siaddr: '10.77.0.1' });
    expect(option(offer, 'boot_file_name')).toBe(file);
    expect(option(offer, 'tftp_server_name')).toBe('10.77.0.1');
    expect(option(offer, 'tftp_server_addresses')).toEqual(['10.77.0.1']);
    expect(option(offer, 'vendor_class')).toBeUndefined();
  });

  it('UEFI HTTP boot (16): a URL and HTTPClient', () => {
    const offer = reply(clientPacket('discover', { 60: 'HTTPClient:Arch:00016:UNDI:003001', 93: [0, 16] }));
    expect(option(offer, 'boot_file_name')).toBe('http://10.77.0.1:8080/snponly.efi');
    expect(option(offer, 'vendor_class')).toBe('HTTPClient');
    expect(option(offer, 'tftp_server_name')).toBeUndefined();
  });

  it('an iPXE that says that it has no HTTP gets the first stage by TFTP', () => {
    const features = (...codes: number[]) => codes.flatMap((code) => [code, 1, 1]);
    const ask175 = (...codes: number[]) =>
      reply(pxe([0, 7], { 77: 'iPXE', 175: [0xb1, 1, 0, ...features(...codes)] }));
    for (const without of [ask175(0x11, 0x15), ask175(0x24)]) {
      expect(without.reply).toMatchObject({ file: 'snponly.efi', siaddr: '10.77.0.1' });
      expect(option(without, 'boot_file_name')).toBe('snponly.efi');
    }
    for (const unknown of [ask175(0x13), ask175(0x11, 0x13), ask175()]) {
      expect(unknown.reply.file).toBe('http://10.77.0.1:8080/boot.ipxe');
    }
  });

  it('the pxe boot interface: its own first stage, for iPXE ROMs as well', () => {
    const memory: Memory = { ...known, plan: { kind: 'pxe' } };
    expect(reply(pxe([0, 0]), memory).reply.file).toBe('pxelinux.0');
    expect(reply(pxe([0, 7]), memory).reply.file).toBe('bootx64.efi');
    expect(reply(pxe([0, 0], { 77: 'iPXE' }), memory).reply.file).toBe('pxelinux.0');
  });

  it('the pxe boot interface by UEFI HTTP boot: iPXE, and what that asks for', () => {
    const memory: Memory = { ...known, plan: { kind: 'pxe' } };
    const http = clientPacket('discover', { 60: 'HTTPClient:Arch:00016:UNDI:003001', 93: [0, 16] });
    expect(reply(http, memory).reply.file).toBe('http://10.77.0.1:8080/snponly.efi');
    const grub = dhcpSettings(
      netbootSection.parse({ ...section(), pxe_http_first_stage: { uefi_x64: null } }),
      '10.77.0.1',
    );
    expect(reply(http, memory, grub).reply.file).toBe('http://10.77.0.1:8080/bootx64.efi');
    const ipxe = pxe([0, 7], { 77: 'iPXE' });
    expect(reply(ipxe, { ...memory, cameByHttp: true }).reply.file).toBe('http://10.77.0.1:8080/boot.ipxe');
    expect(reply(ipxe, memory).reply.file).toBe('bootx64.efi');
  });

  it('iPXE is spared the wait for a proxy', () => {
    expect(option(reply(pxe([0, 0], { 77: 'iPXE' })), 'ipxe')).toEqual(Uint8Array.of(176, 1, 1));
  });

  it('a NUL after the names for PXE ROMs, none for iPXE and HTTP', () => {
    expect(
      reply(pxe([0, 0]))
        .reply.options.get(67)
        ?.at(-1),
    ).toBe(0);
    expect(
      reply(pxe([0, 0], { 77: 'iPXE' }))
        .reply.options.get(67)
        ?.at(-1),
    ).not.toBe(0);
  });

  it('the client uuid comes back as it was', () => {
    const uuid = [0, ...Array.from({ length: 16 }, (_, i) => i)];
    expect(option(reply(pxe([0, 0], { 97: uuid })), 'client_uuid')).toEqual(Uint8Array.from(uuid));
  });

  it.each([
    ['no boot plan', pxe([0, 0]), { ...known, plan: null }],
    ['an architecture without a file', pxe([0, 10]), known],
    ['an operating system', clientPacket('discover', { 60: 'udhcp 1.35' }), known],
  ])('%s: an address and no boot file', (_what, packet, memory) => {
    const offer = reply(packet, memory);
    expect(offer.reply).toMatchObject({ yiaddr: '10.77.0.101', file: '', siaddr: '0.0.0.0' });
    expect(offer.reply.options.has(67)).toBe(false);
    expect(offer.reply.options.has(66)).toBe(false);
  });
});

it('machines are told the address that TFTP listens at', () => {
  const at = (listen: string) =>
    reply(
      clientPacket('discover', { 60: 'PXEClient', 93: [0, 0] }),
      known,
      dhcpSettings(netbootSection.parse({ ...section(), tftp: { listen } }), '10.77.0.1'),
    );
  for (const [listen, told] of [
    ['10.77.0.5', '10.77.0.5'],
    ['0.0.0.0', '10.77.0.1'],
  ] as const) {
    const offer = at(listen);
    expect(offer.reply.siaddr).toBe(told);
    expect(option(offer, 'tftp_server_name')).toBe(told);
    expect(option(offer, 'tftp_server_addresses')).toEqual([told]);
    expect(option(offer, 'server_id')).toBe('10.77.0.1');
  }
});

describe('relays', () => {
  const relayed = (giaddr = '10.78.0.1') =>
    clientPacket('discover', { 82: [1, 4, 1, 2, 3, 4], 60: 'PXEClient' }, { giaddr, hops: 1 });
  const memory = { ...known, address: '10.78.0.7' };

  it('a listed one gets the answer, option 82 as the last of its own', () => {
    const offer = reply(relayed(), memory, server, { address: '10.78.0.1', port: 67, localPort: 67 });
    expect(offer.to).toEqual({ address: '10.78.0.1', port: 67 });
    expect(offer.reply.giaddr).toBe('10.78.0.1');
    expect([...offer.reply.options.keys()].at(-1)).toBe(82);
    expect(offer.reply.options.get(82)).toEqual(Uint8Array.of(1, 4, 1, 2, 3, 4));
    expect(option(offer, 'routers')).toEqual(['10.78.0.1']);
  });

  it('NAK goes through the relay with the broadcast flag', () => {
    const packet = clientPacket('request', { 50: [10, 78, 0, 99] }, { giaddr: '10.78.0.1' });
    const nak = reply(packet, memory);
    expect(nak.to.address).toBe('10.78.0.1');
    expect(nak.reply.flags).toBe(0x8000);
  });

  it('option 82 without giaddr, from a switch, comes back as it was (RFC 3046 §2.2)', () => {
    for (const type of ['discover', 'request'] as const) {
      const got = reply(clientPacket(type, { 82: [1, 1, 1], 50: [10, 77, 0, 101] }));
      expect([...got.reply.options.keys()].at(-1)).toBe(82);
      expect(got.reply.options.get(82)).toEqual(Uint8Array.of(1, 1, 1));
      expect(got.to.address).toBe('255.255.255.255');
    }
  });

  it('an override of the server identifier (RFC 5107) is followed, where there is a relay', () => {
    const override = { 82: [11, 4, 10, 78, 0, 1] };
    expect(
      option(reply(clientPacket('discover', override, { giaddr: '10.78.0.1' }), memory), 'server_id'),
    ).toBe('10.78.0.1');
    const request = { ...override, 50: [10, 78, 0, 7], 54: [10, 78, 0, 1] };
    const ack = reply(clientPacket('request', request, { giaddr: '10.78.0.1' }), memory);
    expect(option(ack, 'message_type')).toBe(5);
    expect(option(reply(clientPacket('discover', override)), 'server_id')).toBe('10.77.0.1');
    expect(silence(clientPacket('request', request))).toBe('meant for the server 10.78.0.1');
  });
});

describe('a client behind a router that is heard without its relay', () => {
  const from = (address: string): Received => ({ address, port: 68, localPort: 67 });

  it('renews at its own address', () => {
    const packet = clientPacket('request', {}, { ciaddr: '10.78.0.7' });
    const ack = reply(packet, { ...known, address: '10.78.0.7' }, server, from('10.78.0.7'));
    expect(ack.to).toEqual({ address: '10.78.0.7', port: 68 });
    expect(option(ack, 'message_type')).toBe(5);
    expect(option(ack, 'routers')).toEqual(['10.78.0.1']);
    expect(ack.reply).toMatchObject({ yiaddr: '10.78.0.7', ciaddr: '10.78.0.7' });
  });

  it('is told that it lost its lease where it is, not on our wire', () => {
    const packet = clientPacket('request', {}, { ciaddr: '10.78.0.9' });
    const nak = reply(packet, { ...known, address: '10.78.0.7' }, server, from('10.78.0.9'));
    expect(option(nak, 'message_type')).toBe(6);
    expect(nak.to).toEqual({ address: '10.78.0.9', port: 68 });
    // No address there is ours to give: another server's.
    expect(silence(packet, { ...known, address: null })).toBe('no address is configured for it');
  });

  it('informs itself of its own network', () => {
    const ack = reply(clientPacket('inform', {}, { ciaddr: '10.78.0.7' }), { ...known, address: null });
    expect(ack.to).toEqual({ address: '10.78.0.7', port: 68 });
    expect(option(ack, 'routers')).toEqual(['10.78.0.1']);
    expect(option(ack, 'lease_time')).toBeUndefined();
  });
});

describe('proxyDHCP', () => {
  const discover = clientPacket('discover', { 60: 'PXEClient:Arch:00007:UNDI:003016', 93: [0, 7] });

  it('offers the boot file without an address', () => {
    const offer = reply(discover, known, proxy);
    expect(offer.reply).toMatchObject({ yiaddr: '0.0.0.0', file: 'snponly.efi', siaddr: '10.77.0.1' });
    expect(option(offer, 'vendor_class')).toBe('PXEClient');
    expect(option(offer, 'vendor_options')).toEqual(Uint8Array.of(6, 1, 8, 255));
    for (const code of [51, 1, 3, 6]) expect(offer.reply.options.has(code)).toBe(false);
    expect(question(discover, local, proxy)).toMatchObject({ needsAddress: false });
  });

  it('answers requests as boot server on port 4011, to where they came from', () => {
    const from: Received = { address: '10.77.0.50', port: 4011, localPort: 4011 };
    const packet = clientPacket(
      'request',
      { 60: 'PXEClient:Arch:00007:UNDI:003016', 93: [0, 7], 54: [10, 77, 0, 99] },
      { ciaddr: '10.77.0.50' },
    );
    const ack = reply(packet, known, proxy, from);
    expect(option(ack, 'message_type')).toBe(5);
    expect(ack).toMatchObject({ to: { address: '10.77.0.50', port: 4011 }, binds: null });
    expect(ack.reply.file).toBe('snponly.efi');
  });

  it.each([
    [
      'the site’s own DHCP server answers this',
      clientPacket('request', { 60: 'PXEClient', 50: [1, 2, 3, 4] }),
    ],
    ['does not boot from the network', clientPacket('discover', { 60: 'MSFT 5.0' })],
  ])('%s', (expected, packet) => {
    expect(silence(packet, known, proxy)).toBe(expected);
  });

  it('is silent to known ports with nothing to boot, and to unknown ones', () => {
    expect(silence(discover, { ...known, plan: null }, proxy)).toBe('nothing to boot');
    expect(silence(discover, { ...known, port: null }, proxy)).toBe('unknown MAC');
  });
});

it('whatever is decoded is answered or passed over, without a throw; fifty thousand of them', () => {
  const options = [...Array(256).keys()];
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed % below;
  };
  let answered = 0;
  for (let i = 0; i < 50_000; i++) {
    const original = [UDHCPC_PXE, IPXE_BIOS, OVMF_PXE][i % 3] as Uint8Array;
    const bytes = original.slice();
    for (let n = random(5); n > 0; n--)
      bytes[random(3) ? random(44) : 240 + random(60)] = options[random(256)] as number;
    const settings = random(2) ? server : proxy;
    try {
      const result = ask(decodeDhcp4(bytes), random(4) ? known : { ...known, port: null }, settings, {
        ...local,
        localPort: random(2) ? 67 : 4011,
      });
      if ('silence' in result) continue;
      answered++;
      encodeDhcp4(result.reply);
      expect(
        ['255.255.255.255', '0.0.0.0'].includes(result.to.address) || result.to.address.startsWith('10.7'),
      ).toBe(true);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
    }
  }
  expect(answered).toBeGreaterThan(5_000);
}, 60_000);

it('no client text ever comes back in a reply but its own id, uuid and relay option', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Z]{12,40}$/),
      fc.constantFrom(12, 15, 43, 66, 67, 77),
      (text, code) => {
        const offer = reply(clientPacket('discover', { 60: 'PXEClient', 93: [0, 0], [code]: text }));
        expect(Buffer.from(encodeDhcp4(offer.reply)).toString('latin1')).not.toContain(text);
      },
    ),
    { numRuns: 300 },
  );
});

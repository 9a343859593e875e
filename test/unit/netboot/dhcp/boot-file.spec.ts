import { describe, expect, it } from 'vitest';
import { netbootSection } from '../../../../src/config/section/netboot.js';
import { type Memory } from '../../../../src/netboot/dhcp/answer.js';
import { dhcpSettings } from '../../../../src/netboot/dhcp/settings.js';
import { decodeDhcp4 } from '../../../../src/protocol/dhcp4/packet.js';
import { clientPacket } from '../../../support/netboot/dhcp-client.js';
import { known, option, reply, section } from '../../../support/netboot/dhcp-exchange.js';
import { IPXE_BIOS, OVMF_PXE, UDHCPC_PXE } from '../../../support/netboot/recorded-dhcp.js';

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

import { describe, expect, it } from 'vitest';
import { question, type Received } from '../../../../src/netboot/dhcp/question.js';
import { clientPacket } from '../../../support/netboot/dhcp-client.js';
import { known, local, option, proxy, reply, silence } from '../../../support/netboot/dhcp-exchange.js';

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

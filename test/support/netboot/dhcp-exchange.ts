import { expect } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import { answer, type Memory, type Reply } from '../../../src/netboot/dhcp/answer.js';
import { question, type Received } from '../../../src/netboot/dhcp/question.js';
import { type DhcpSettings, dhcpSettings } from '../../../src/netboot/dhcp/settings.js';
import { getOption } from '../../../src/protocol/dhcp4/options.js';
import { type Dhcp4Packet, decodeDhcp4, encodeDhcp4 } from '../../../src/protocol/dhcp4/packet.js';
import { CLIENT_MAC } from './dhcp-client.js';

export const section = (mode: 'server' | 'proxy' = 'server') =>
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
export const server = dhcpSettings(section(), '10.77.0.1');
export const proxy = dhcpSettings(section('proxy'), '10.77.0.1');
export const local: Received = { address: '0.0.0.0', port: 68, localPort: 67 };
export const known: Memory = { port: { node_uuid: 'n' }, plan: { kind: 'ipxe' }, address: '10.77.0.101' };

export function ask(
  packet: Dhcp4Packet,
  memory: Memory = known,
  settings: DhcpSettings = server,
  received: Received = local,
) {
  const asked = question(packet, received, settings);
  return 'silence' in asked ? asked : answer(asked, memory, settings);
}
export function reply(...args: Parameters<typeof ask>): Reply {
  const result = ask(...args);
  if ('silence' in result) throw new Error(result.silence);
  // What is sent must be what was meant.
  expect(decodeDhcp4(encodeDhcp4(result.reply))).toEqual(result.reply);
  return result;
}
export const silence = (...args: Parameters<typeof ask>) => {
  const result = ask(...args);
  return 'silence' in result ? result.silence : 'it answered';
};
export const option = ({ reply: packet }: Reply, name: Parameters<typeof getOption>[1]) =>
  getOption(packet.options, name);

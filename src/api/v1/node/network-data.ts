import { z } from 'zod';
import type { JsonObject } from '../../../domain/json.js';

/** Nova's network metadata, for a ramdisk without DHCP. Source: ironic/api/controllers/v1/network-data-schema.json. */

const mac = z.string().regex(/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i);
const link = {
  id: z.string(),
  mtu: z.number().min(1).max(65_535).nullable().optional(),
  vif_id: z.string().optional(),
};
const links = z.discriminatedUnion('type', [
  z.looseObject({
    ...link,
    type: z.enum(['bridge', 'dvs', 'hw_veb', 'hyperv', 'ovs', 'tap', 'vhostuser', 'vif', 'phy']),
    ethernet_mac_address: mac,
  }),
  z.looseObject({
    ...link,
    type: z.literal('bond'),
    ethernet_mac_address: mac,
    bond_mode: z.enum([
      '802.3ad',
      'balance-rr',
      'active-backup',
      'balance-xor',
      'broadcast',
      'balance-tlb',
      'balance-alb',
    ]),
    bond_links: z.array(z.string()),
  }),
  z.looseObject({
    ...link,
    type: z.literal('vlan'),
    vlan_mac_address: mac,
    vlan_link: z.string(),
    vlan_id: z.int(),
  }),
]);

const ip6OrCidr = z.union([z.ipv6(), z.cidrv6()]);
const service = (address: z.ZodType) => z.looseObject({ type: z.literal('dns'), address });
const route = (address: z.ZodType) =>
  z.looseObject({
    network: address,
    netmask: address,
    gateway: address,
    services: z.array(service(address)).optional(),
  });
const network = { id: z.string(), link: z.string(), network_id: z.string() };
const networks = z.discriminatedUnion('type', [
  z.looseObject({
    ...network,
    type: z.enum(['ipv4', 'ipv4_dhcp']),
    ip_address: z.ipv4().optional(),
    netmask: z.ipv4().optional(),
    routes: z.array(route(z.ipv4())).optional(),
  }),
  z.looseObject({
    ...network,
    type: z.enum(['ipv6', 'ipv6_dhcp', 'ipv6_slaac']),
    ip_address: ip6OrCidr.optional(),
    netmask: z.ipv6().optional(),
    routes: z.array(route(z.ipv6())).optional(),
  }),
]);

export const networkData = (): z.ZodType<JsonObject | null> =>
  z.union([
    z.strictObject({}),
    z.looseObject({
      links: z.array(links),
      networks: z.array(networks),
      services: z.array(z.union([service(z.ipv4()), service(ip6OrCidr)])),
    }),
    z.null(),
  ]) as z.ZodType<JsonObject | null>;

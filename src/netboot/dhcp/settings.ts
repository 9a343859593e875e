import {
  addressNumber,
  BOOT_SCRIPT,
  bootUrl,
  type FirstStage,
  type NetbootSection,
  parseCidr,
  type SubnetSection,
} from '../../config/section/netboot.js';

/** Everything that DHCP answers are built from; constant while the server runs. */
export interface DhcpSettings {
  mode: 'server' | 'proxy';
  /** The server's address on the served interface: the server identifier. */
  serverAddress: string;
  /** The TFTP server's address in the answers. */
  tftpAddress: string;
  /** Seconds. */
  leaseTime: number;
  subnets: readonly Subnet[];
  hosts: ReadonlyMap<string, { ip: string; hostname: string | null }>;
  /** `http://host:port`, no slash at the end. */
  bootUrl: string;
  /** Name of the script that iPXE loads by HTTP. */
  bootScript: string;
  firstStage: Readonly<Record<'ipxe' | 'pxe' | 'pxeByHttp', FirstStage>>;
}

export interface Subnet extends SubnetSection {
  netmask: string;
  broadcast: string;
  /** Whether a host may have this address. */
  contains(address: string): boolean;
  /** Whether the address is in the network, including its network and broadcast addresses. */
  covers(address: string): boolean;
}

export function dhcpSettings(section: NetbootSection, serverAddress: string): DhcpSettings {
  const { dhcp, tftp } = section;
  return {
    mode: dhcp.mode,
    serverAddress,
    tftpAddress: tftp.listen === null || tftp.listen === '0.0.0.0' ? serverAddress : tftp.listen,
    leaseTime: dhcp.lease_time,
    subnets: dhcp.subnets.map(toSubnet),
    hosts: new Map(dhcp.hosts.map((host) => [host.mac, host])),
    bootUrl: bootUrl(section),
    bootScript: BOOT_SCRIPT,
    firstStage: {
      ipxe: section.first_stage,
      pxe: section.pxe_first_stage,
      pxeByHttp: section.pxe_http_first_stage,
    },
  };
}

function toSubnet(section: SubnetSection): Subnet {
  const { first, last, mask } = parseCidr(section.cidr);
  return {
    ...section,
    netmask: dotted(mask),
    broadcast: dotted(last),
    contains: (address) => {
      const number = addressNumber(address);
      return number > first && number < last;
    },
    covers: (address) => {
      const number = addressNumber(address);
      return number >= first && number <= last;
    },
  };
}

function dotted(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

import { z } from 'zod';

const address = () => z.ipv4();
const port = () => z.int().min(0).max(65_535);
/** Names used in DHCP options and requests of TFTP and HTTP: at most 64 characters, none of them special. */
const fileName = () =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/, 'a name of at most 64 letters, digits and . _ / -')
    .refine((name) => !name.split('/').some((part) => part === '' || part === '.' || part === '..'), {
      message: 'no empty part, . or .. in a name',
    });
const absolutePath = () => z.string().regex(/^\/[^\0]*$/, 'an absolute path');
const hostName = () => z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/, 'a host name');
const mac = () =>
  z
    .string()
    .toLowerCase()
    .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'a MAC address such as aa:bb:cc:dd:ee:ff');

export const MAX_BOOT_URL = 64;
export const BOOT_SCRIPT = 'boot.ipxe';

const subnet = z.strictObject({
  cidr: z.cidrv4().describe('The network, such as 10.77.0.0/24'),
  range_start: address().nullable().default(null).describe('First address of the pool; null: no pool'),
  range_end: address().nullable().default(null).describe('Last address of the pool'),
  routers: z.array(address()).max(8).default([]).describe('Default gateways (option 3)'),
  dns_servers: z.array(address()).max(8).default([]).describe('Name servers (option 6)'),
  ntp_servers: z.array(address()).max(8).default([]).describe('Time servers (option 42)'),
  domain_name: hostName().nullable().default(null).describe('Domain of the hosts (option 15)'),
  relays: z
    .array(address())
    .default([])
    .describe(
      'Relay agents (giaddr) that forward from this network; one may stand in several. Every other relay is ignored. One that selects the link (RFC 3527) may name any network',
    ),
});

const dhcp = z
  .strictObject({
    interface: z
      .string()
      .regex(/^[^\s/%]{1,15}$/, 'an interface name')
      .nullable()
      .default(null)
      .describe(
        'Network interface to serve; null: DHCP is off. Packets of other interfaces are never answered',
      ),
    mode: z
      .enum(['server', 'proxy'])
      .default('server')
      .describe('server: gives addresses; proxy: only boot files, beside the site’s own DHCP server'),
    server_address: address()
      .nullable()
      .default(null)
      .describe('Our own address on the interface; null: its first IPv4 address'),
    socket_fd: z
      .int()
      .min(3)
      .nullable()
      .default(null)
      .describe(
        'File descriptor of a UDP socket on port 67 that a service manager bound to the interface; null: our own',
      ),
    proxy_socket_fd: z
      .int()
      .min(3)
      .nullable()
      .default(null)
      .describe('The same for port 4011, where mode is proxy'),
    lease_time: z.int().min(10).max(31_536_000).default(3600).describe('Seconds that a lease lasts'),
    probe_ms: z
      .int()
      .min(0)
      .max(2_000)
      .default(300)
      .describe(
        'Milliseconds for an answer, by ARP or ICMP, of whoever uses an address before it is offered for the first time; 0: not asked',
      ),
    subnets: z.array(subnet).default([]).describe('Networks whose machines get addresses'),
    hosts: z
      .array(
        z.strictObject({
          mac: mac().describe('MAC address of a port'),
          ip: address().describe('The address it always gets'),
          hostname: hostName().nullable().default(null).describe('Its name (option 12)'),
        }),
      )
      .default([])
      .describe('Static addresses; they count for known ports only'),
  })
  .prefault({})
  .superRefine((value, context) => {
    const fault = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    value.subnets.forEach((row, i) => {
      const net = parseCidr(row.cidr);
      const at = ['subnets', i];
      if ((row.range_start === null) !== (row.range_end === null)) {
        fault([...at, 'range_end'], 'range_start and range_end go together');
      } else if (row.range_start !== null && row.range_end !== null) {
        const [start, end] = [addressNumber(row.range_start), addressNumber(row.range_end)];
        if (start > end) fault([...at, 'range_end'], 'comes before range_start');
        if (start <= net.first || end >= net.last)
          fault([...at, 'range_start'], 'the range leaves the network');
        if (end - start >= 65_536) fault([...at, 'range_end'], 'over 65536 addresses');
      }
    });
    const seen = new Set<string>();
    value.hosts.forEach((host, i) => {
      for (const key of [host.mac, host.ip]) {
        if (seen.has(key)) fault(['hosts', i], `${key} stands there twice`);
        seen.add(key);
      }
    });
  });

const firstStage = (bios: string | null, uefi_x64: string | null) =>
  z
    .strictObject({
      bios: fileName().nullable().default(bios).describe('x86 BIOS (option 93: 0)'),
      uefi_ia32: fileName().nullable().default(null).describe('32-bit x86 UEFI (6, 15)'),
      uefi_x64: fileName().nullable().default(uefi_x64).describe('64-bit x86 UEFI (7, 9, 16, 17)'),
      uefi_arm64: fileName().nullable().default(null).describe('64-bit ARM UEFI (11, 19)'),
    })
    .prefault({});

const files = (rows: Record<string, string>) =>
  z
    .record(fileName(), absolutePath())
    .default(rows)
    .describe(
      'Published name to the file’s path; served by TFTP and by HTTP. Missing files are named at start',
    );

/** Network boot: DHCP, TFTP and HTTP for machines without an operating system. */
export const netbootSection = z
  .strictObject({
    dhcp: dhcp.describe('DHCP for IPv4'),
    tftp: z
      .strictObject({
        listen: address().nullable().default(null).describe('IP address to bind; null: TFTP is off'),
        port: port().default(69).describe('UDP port; 0 lets the system choose'),
        max_sessions_per_client: z.int().min(1).default(32).describe('Transfers at once to one address'),
        max_sessions: z.int().min(1).default(2048).describe('Transfers at once in all'),
      })
      .prefault({})
      .describe('TFTP: the first boot file of machines that start by PXE'),
    http: z
      .strictObject({
        listen: address()
          .nullable()
          .default('127.0.0.1')
          .describe('IP address to bind; null: the HTTP boot server is off'),
        port: port().default(8080).describe('TCP port; 0 lets the system choose'),
        public_url: z
          .string()
          .regex(
            /^http:\/\/[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9._-]+)*$/,
            'an http:// URL without query and last slash',
          )
          .max(MAX_BOOT_URL - BOOT_SCRIPT.length - 1)
          .nullable()
          .default(null)
          .describe('Base URL as machines see it; null: made from listen and port'),
        stop_grace: z
          .int()
          .min(0)
          .default(20)
          .describe('Seconds that transfers under way, by TFTP too, have to finish when the daemon stops'),
        max_connections: z.int().min(1).default(4096).describe('Connections at once in all'),
        max_connections_per_client: z
          .int()
          .min(1)
          .default(64)
          .describe('Connections at once from one address'),
        min_bytes_per_second: z
          .int()
          .min(0)
          .default(4096)
          .describe('Clients that read slower than this over a minute are cut off; 0: never'),
      })
      .prefault({})
      .describe('HTTP: boot scripts, kernels, ramdisks and images'),
    http_root: absolutePath()
      .nullable()
      .default(null)
      .describe('Where files for HTTP are laid down; null: <data_dir>/httpboot'),
    tftp_root: absolutePath()
      .nullable()
      .default(null)
      .describe('Where files for TFTP are laid down; null: <data_dir>/tftpboot'),
    first_stage: firstStage('undionly.kpxe', 'snponly.efi').describe(
      'Boot file of machines that do not speak iPXE yet, by architecture; null: none is offered',
    ),
    pxe_first_stage: firstStage('pxelinux.0', 'bootx64.efi').describe(
      'The same for nodes whose boot interface is pxe',
    ),
    pxe_http_first_stage: firstStage(null, 'snponly.efi').describe(
      'The same for those whose UEFI firmware boots by HTTP: iPXE, for the GRUB that Debian signs knows no HTTP. Of a shim whose GRUB does, name that (bootx64.efi); null: pxe_first_stage',
    ),
    files: files({
      'undionly.kpxe': '/usr/lib/ipxe/undionly.kpxe',
      'snponly.efi': '/usr/lib/ipxe/snponly.efi',
      'ipxe.efi': '/boot/ipxe.efi',
      'pxelinux.0': '/usr/lib/PXELINUX/pxelinux.0',
      'ldlinux.c32': '/usr/lib/syslinux/modules/bios/ldlinux.c32',
      'bootx64.efi': '/usr/lib/shim/shimx64.efi.signed',
      'grubx64.efi': '/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed',
    }),
  })
  .prefault({})
  .superRefine((value, context) => {
    if (value.http.listen === '0.0.0.0' && value.http.public_url === null) {
      context.addIssue({
        code: 'custom',
        path: ['http', 'public_url'],
        message: 'is needed where http.listen is 0.0.0.0',
      });
    }
    const { interface: device } = value.dhcp;
    if (
      device !== null &&
      device !== 'lo' &&
      value.http.listen?.startsWith('127.') &&
      !value.http.public_url
    ) {
      context.addIssue({
        code: 'custom',
        path: ['http', 'listen'],
        message: `is loopback, where the machines of ${device} that DHCP sends there cannot reach it`,
      });
    }
    if (device !== null && device !== 'lo' && value.tftp.listen?.startsWith('127.')) {
      context.addIssue({
        code: 'custom',
        path: ['tftp', 'listen'],
        message: `is loopback, where the machines of ${device} that DHCP sends there cannot reach it`,
      });
    }
  });

export type NetbootSection = z.output<typeof netbootSection>;
export type FirstStage = NetbootSection['first_stage'];
export type DhcpSection = NetbootSection['dhcp'];
export type SubnetSection = DhcpSection['subnets'][number];

/** Base URL of the HTTP boot server as machines see it, without a slash at the end. */
export function bootUrl(section: NetbootSection): string {
  const { public_url, listen, port: number } = section.http;
  return public_url ?? `http://${listen ?? '127.0.0.1'}${number === 80 ? '' : `:${number}`}`;
}

/** Directories of boot files, as absolute paths. */
export function bootRoots(section: NetbootSection, data_dir: string): { http: string; tftp: string } {
  return {
    http: section.http_root ?? `${data_dir}/httpboot`,
    tftp: section.tftp_root ?? `${data_dir}/tftpboot`,
  };
}

/** An IPv4 address as a number of 32 bits. */
export function addressNumber(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** First and last address (network and broadcast) and the mask of a network. */
export function parseCidr(cidr: string): { first: number; last: number; mask: number } {
  const [base, length] = cidr.split('/') as [string, string];
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(addressNumber(base) / size) * size;
  return { first, last: first + size - 1, mask: 2 ** 32 - size };
}

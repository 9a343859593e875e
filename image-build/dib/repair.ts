import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the element that `writeRepair` makes. */
export const REPAIR = 'ferric-repair';

/**
 * disk-image-builder 3.13's dhcp-all-interfaces fails on Debian before it requests an IPv4 address, wherever a router
 * announces IPv6 (elements/dhcp-all-interfaces/install.d/dhcp-all-interfaces.sh, enable_interface): it writes below
 * /var/lib/dhclient, which Debian's dhclient does not have, and puts `inet6 auto` and its option on one line, which
 * ifupdown refuses (interfaces(5)).
 */
const SCRIPT = `#!/bin/bash
set -eu
script=/usr/local/sbin/dhcp-all-interfaces.sh
[ -e "$script" ] || exit 0
mkdir -p /var/lib/dhclient
sed -i 's/inet6 auto\\\\tdhcp/inet6 auto\\\\n\\\\tdhcp/' "$script"
`;

/**
 * Makes an element that repairs Debian images of Debian's disk-image-builder.
 * @param folder created here; to be added to ELEMENTS_PATH
 */
export function writeRepair(folder: string): void {
  const hooks = join(folder, REPAIR, 'post-install.d');
  mkdirSync(hooks, { recursive: true });
  const file = join(hooks, '50-dhcp-beside-ipv6');
  writeFileSync(file, SCRIPT);
  chmodSync(file, 0o755);
}

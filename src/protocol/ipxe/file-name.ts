import { bootMac } from './boot-text.js';

/** File names that boot loaders request (ironic/common/pxe_utils.py). */

/** `52:54:00:12:34:56` to `52-54-00-12-34-56`. @throws UnsafeBootText */
function hyphened(mac: string): string {
  return bootMac(mac, 'port address').replaceAll(':', '-');
}

/** iPXE, by `${mac:hexhyp}`. @throws UnsafeBootText */
export function ipxeConfigName(mac: string): string {
  return `pxelinux.cfg/${hyphened(mac)}`;
}

/**
 * pxelinux puts the ARP hardware type first: 01 is Ethernet, 20 InfiniBand.
 * @throws UnsafeBootText
 */
export function pxelinuxConfigName(mac: string, infiniband: boolean): string {
  return `pxelinux.cfg/${infiniband ? '20' : '01'}-${hyphened(mac)}`;
}

/** GRUB: beside its prefix, below it, and the name that `grubBootConfig` sources. @throws UnsafeBootText */
export function grubConfigNames(mac: string): string[] {
  const name = `grub.cfg-01-${hyphened(mac)}`;
  return [name, `grub/${name}`, `${bootMac(mac, 'port address')}.conf`];
}

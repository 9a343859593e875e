import type { BootMode } from '../../domain/node/boot-device.js';
import type { BootService } from '../../persistence/published-file/publication.js';
import { type BootWord, bootUrlWord, bootWord } from '../../protocol/ipxe/boot-text.js';
import { grubConfigNames, ipxeConfigName, pxelinuxConfigName } from '../../protocol/ipxe/file-name.js';
import {
  GRUB_ROOT,
  grubConfig,
  grubLocalBootConfig,
  ipxeIsoScript,
  ipxeLocalBootScript,
  ipxeScript,
  pxelinuxConfig,
  pxelinuxLocalBootConfig,
  type RamdiskBoot,
} from '../../protocol/ipxe/script.js';
import type { DriverPort } from '../contract/context.js';

/** How one family of boot loaders is served. */
export interface Flavour {
  readonly name: 'ipxe' | 'pxe';
  readonly service: BootService;
  /** Where the boot loader fetches a published name. @throws UnsafeBootText */
  locate(name: string): BootWord;
  /** A node's configuration. @throws UnsafeBootText */
  render(boot: RamdiskBoot, mode: BootMode): string;
  renderLocal(mode: BootMode): string;
  /** Script for an ISO that is the instance; absent: these boot loaders cannot start one. */
  renderIso?(iso: BootWord): string;
  /** File names that a port's machine requests. @throws UnsafeBootText */
  names(port: DriverPort, mode: BootMode): string[];
}

/**
 * iPXE, by HTTP.
 * @param httpUrl base URL of the HTTP boot server as machines see it; read when it is needed
 * @param timeout ms for each transfer; 0: iPXE's default
 */
export function ipxeFlavour(httpUrl: () => string, timeout: number): Flavour {
  return {
    name: 'ipxe',
    service: 'http',
    locate: (name) => bootUrlWord(`${httpUrl().replace(/\/$/, '')}/${name}`, 'boot URL'),
    render: (boot) => ipxeScript(boot, timeout),
    renderLocal: (mode) => ipxeLocalBootScript(mode),
    renderIso: (iso) => ipxeIsoScript(iso),
    names: (port) => [ipxeConfigName(port.address)],
  };
}

/** pxelinux on BIOS, GRUB on UEFI, by TFTP. */
export const PXE_FLAVOUR: Flavour = {
  name: 'pxe',
  service: 'tftp',
  locate: (name) => bootWord(name, 'boot path'),
  render: (boot, mode) => (mode === 'bios' ? pxelinuxConfig(boot) : grubConfig(boot)),
  renderLocal: (mode) => (mode === 'bios' ? pxelinuxLocalBootConfig() : grubLocalBootConfig()),
  names: (port, mode) =>
    mode === 'bios'
      ? [pxelinuxConfigName(port.address, Boolean(port.extra['client-id']))]
      : grubConfigNames(port.address),
};

/** GRUBs with HTTP support, as some distributions sign them: files that they need beside those on TFTP. */
const GRUB_BY_HTTP: Flavour = {
  ...PXE_FLAVOUR,
  service: 'http',
  render: (boot) => grubConfig(boot, GRUB_ROOT),
  names: (port) => grubConfigNames(port.address),
};

/**
 * What nodes of the boot interface `pxe` are served if their firmware boots by HTTP (UEFI only): the script for an iPXE
 * loaded that way, and the configuration for a GRUB loaded that way.
 */
export function pxeByHttp(ipxe: Flavour): Flavour[] {
  const { renderIso: _none, ...scripts } = ipxe;
  return [scripts, GRUB_BY_HTTP];
}

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
  /** What the boot loader is told to fetch for a published name. @throws UnsafeBootText */
  locate(name: string): BootWord;
  /** A node's configuration. @throws UnsafeBootText */
  render(boot: RamdiskBoot, mode: BootMode): string;
  renderLocal(mode: BootMode): string;
  /** Of an ISO that is the instance; absent: its boot loaders cannot start one. */
  renderIso?(iso: BootWord): string;
  /** The names under which a port's machine asks for it. @throws UnsafeBootText */
  names(port: DriverPort, mode: BootMode): string[];
}

/**
 * iPXE, by HTTP.
 * @param httpUrl base URL of the HTTP boot server as machines see it; asked when it is needed
 * @param timeout ms for each transfer; 0: iPXE's own
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

/** GRUBs that know HTTP, as some distributions sign them: what they need beside what TFTP has. */
const GRUB_BY_HTTP: Flavour = {
  ...PXE_FLAVOUR,
  service: 'http',
  render: (boot) => grubConfig(boot, GRUB_ROOT),
  names: (port) => grubConfigNames(port.address),
};

/**
 * What nodes of the boot interface `pxe` are served where their firmware boots by HTTP, which is UEFI's alone: the script
 * of an iPXE that came so, and the configuration of a GRUB that did.
 */
export function pxeByHttp(ipxe: Flavour): Flavour[] {
  const { renderIso: _none, ...scripts } = ipxe;
  return [scripts, GRUB_BY_HTTP];
}

// Which MAC addresses tell a machine from every other one.

/** Linux drivers of network cards that a BMC shows its host over USB; many makers give them all one address. */
const BMC_DRIVERS = ['cdc_ether', 'cdc_eem', 'cdc_ncm', 'cdc_subset', 'rndis_host', 'usbnet'];

/** As inventories of either agent describe a network interface. */
export interface DescribedInterface {
  readonly name?: unknown;
  readonly driver?: unknown;
  readonly pci_address?: unknown;
}

/** By its driver, or (of agents that tell none) by the name that the kernel or udev gives to USB cards. */
export function isBmcCard({ name, driver, pci_address }: DescribedInterface): boolean {
  if (typeof driver === 'string' && driver !== '') return BMC_DRIVERS.includes(driver);
  return typeof name === 'string' && /^(usb\d+|enx[0-9a-f]{12})$/.test(name) && !pci_address;
}

/** IEEE 802: the second bit of the first byte says that no maker has assigned the address. */
export function isLocallyAdministered(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 2) !== 0;
}

/**
 * Those of a machine's addresses by which it is known. Local ones count on a machine that has no others, as virtual
 * machines have it; beside a maker's they are of cards that every such machine has alike.
 * @param macs lower case with colons
 * @param ignored addresses, or beginnings of them
 * @param booted the address that the machine booted from, which is its own whatever it looks like
 */
export function identifyingMacs(
  macs: readonly string[],
  ignored: readonly string[],
  booted: string | null = null,
): string[] {
  const own = macs.filter((mac) => !ignored.some((start) => mac.startsWith(start)));
  const assigned = own.some((mac) => !isLocallyAdministered(mac));
  return assigned ? own.filter((mac) => mac === booted || !isLocallyAdministered(mac)) : own;
}

/** Where the machine booted from, as its inventory says: plain, or as PXE writes it, hardware type first, hyphens. */
export function bootedMac(inventory: Readonly<Record<string, unknown>>): string | null {
  const { boot } = inventory;
  if (typeof boot !== 'object' || boot === null) return null;
  const { pxe_interface: given } = boot as { pxe_interface?: unknown };
  if (typeof given !== 'string') return null;
  return macOf(given) ?? macOf(given.replace(/^[0-9a-f]{2}-/i, ''));
}

/** Lower case with colons. @returns null for what is none */
export function macOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const mac = value.toLowerCase().replaceAll('-', ':');
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null;
}

// Which MAC addresses identify a machine.

/**
 * Linux drivers of the USB network cards that BMCs offer to their host; many vendors give them all the same address.
 */
const BMC_DRIVERS = ['cdc_ether', 'cdc_eem', 'cdc_ncm', 'cdc_subset', 'rndis_host', 'usbnet'];

/** A network interface in the inventory of either agent. */
export interface DescribedInterface {
  readonly name?: unknown;
  readonly driver?: unknown;
  readonly pci_address?: unknown;
}

/** By its driver, or, where the agent reports none, by the name that the kernel or udev gives to USB cards. */
export function isBmcCard({ name, driver, pci_address }: DescribedInterface): boolean {
  if (typeof driver === 'string' && driver !== '') return BMC_DRIVERS.includes(driver);
  return typeof name === 'string' && /^(usb\d+|enx[0-9a-f]{12})$/.test(name) && !pci_address;
}

/** IEEE 802: the second bit of the first byte marks an address that no vendor has assigned. */
export function isLocallyAdministered(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 2) !== 0;
}

/**
 * Those of a machine's addresses that identify it. Locally administered ones count only on a machine without others,
 * such as a virtual machine; beside a vendor's they belong to cards that have the same address on every machine of that
 * model.
 * @param macs lower case with colons
 * @param ignored addresses, or prefixes of them
 * @param booted the address that the machine booted from: it always counts, unless it is ignored
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

/** The boot interface in the inventory: a plain address, or as PXE writes it, with hardware type and hyphens. */
export function bootedMac(inventory: Readonly<Record<string, unknown>>): string | null {
  const { boot } = inventory;
  if (typeof boot !== 'object' || boot === null) return null;
  const { pxe_interface: given } = boot as { pxe_interface?: unknown };
  if (typeof given !== 'string') return null;
  return macOf(given) ?? macOf(given.replace(/^[0-9a-f]{2}-/i, ''));
}

/** Lower case with colons. @returns null for a value that is not a MAC address */
export function macOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const mac = value.toLowerCase().replaceAll('-', ':');
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null;
}

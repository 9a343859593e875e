// udev's names of a disk: ID_SERIAL_SHORT, ID_SERIAL and ID_WWN, by its rules (systemd 252:
// rules.d/60-persistent-storage.rules) and from what its programs read of the disk, which the kernel keeps in sysfs.

import { hctlOf } from './disk-path.js';
import type { SysfsDevice } from './sysfs-device.js';

export interface DiskIdentity {
  /** Short form, long form, and the unit's own if different. */
  serial: string[];
  wwn: string | null;
  wwn_with_extension: string | null;
  wwn_vendor_extension: string | null;
}

const NO_WWN = { wwn: null, wwn_with_extension: null, wwn_vendor_extension: null } as const;

/** @param disk directory of the block device */
export function identityOf(disk: SysfsDevice): DiskIdentity {
  if (disk.name.startsWith('nvme')) return nvmeIdentity(disk);
  const scsi = disk.above('scsi', 'scsi_device');
  // virtio, MMC, Xen: only a serial number.
  if (!scsi) return { serial: given([disk.inherited('serial')]), ...NO_WWN };
  const usb = disk.above('usb', 'usb_interface');
  const ata = scsi.text('vendor') === 'ATA' || (usb && disk.text('removable') === '0');
  return (ata && ataIdentity(scsi)) || (usb && usbIdentity(scsi, usb)) || scsiIdentity(scsi);
}

function nvmeIdentity(disk: SysfsDevice): DiskIdentity {
  const [short, model, nsid] = ['serial', 'model', 'nsid'].map((file) => disk.inherited(file));
  const wwn = disk.inherited('wwid') ?? null;
  const long = short !== undefined && model !== undefined ? replaced(`${model}_${short}`) : undefined;
  // Since version 252 udev writes the second form, and keeps the first as a link.
  const numbered = long !== undefined && nsid !== undefined ? `${long}_${nsid}` : undefined;
  return { serial: given([short, numbered, long]), wwn, wwn_with_extension: wwn, wwn_vendor_extension: null };
}

/** ata_id: IDENTIFY DEVICE (ACS-3 §7.12), which the kernel keeps with page 0x89 (SAT-3 §12.4.2). */
function ataIdentity(scsi: SysfsDevice): DiskIdentity | undefined {
  const identify = scsi.bytes('vpd_pg89')?.subarray(60, 572);
  if (identify?.length !== 512) return ataByDescriptor(scsi);
  const text = (word: number, length: number) =>
    Buffer.from(identify.subarray(2 * word, 2 * word + length))
      .swap16()
      .toString('latin1')
      .replace(/\0.*$/s, '');
  const short = cleaned(text(10, 20));
  const model = cleaned(text(27, 40));
  const words = [108, 109, 110, 111].map((word) =>
    identify
      .readUInt16LE(2 * word)
      .toString(16)
      .padStart(4, '0'),
  );
  // Word 87: bit 8, and 01 in the top bits, mean that there is a World Wide Name.
  const wwn = (identify.readUInt16LE(2 * 87) & 0xc100) === 0x4100 ? `0x${words.join('')}` : null;
  return {
    serial: given([short, short === '' ? model : `${model}_${short}`]),
    wwn,
    wwn_with_extension: wwn,
    wwn_vendor_extension: null,
  };
}

/** For kernels without that page: libata's descriptors have the same values (kernel: ata_scsiop_inq_83). */
function ataByDescriptor(scsi: SysfsDevice): DiskIdentity | undefined {
  if (scsi.text('vendor') !== 'ATA') return undefined;
  const found = descriptorsOf(scsi);
  const t10 = found.find(({ type, ascii }) => type === T10_VENDOR && ascii)?.value.toString('latin1');
  const serial = cleaned(t10?.slice(48) ?? unitSerial(scsi) ?? '');
  const model = cleaned(t10?.slice(8, 48) ?? scsi.text('model') ?? '');
  const naa = found.find(({ type }) => type === NAA)?.value.toString('hex') ?? naaOf(scsi.text('wwid'));
  const wwn = naa === undefined ? null : `0x${naa.slice(0, 16)}`;
  return {
    serial: given([serial, serial === '' ? undefined : `${model}_${serial}`]),
    wwn,
    wwn_with_extension: wwn,
    wwn_vendor_extension: null,
  };
}

/** udev's builtin usb_id: names of the SCSI device, else those of USB; broken devices name all LUNs the same. */
function usbIdentity(scsi: SysfsDevice, usb: SysfsDevice): DiskIdentity | undefined {
  const device = usb.above('usb', 'usb_device');
  if (!device) return undefined;
  const transparent =
    usb.text('bInterfaceClass') === '08' && ['02', '06'].includes(usb.text('bInterfaceSubClass') ?? '');
  const word = (own: string, file: string, id: string) =>
    (transparent && cleaned(scsi.text(own) ?? '')) || cleaned(device.text(file) ?? device.text(id) ?? '');
  const serial = device.text('serial');
  // Control characters and commas are invalid (Microsoft's rules for USB serial numbers).
  const short = serial !== undefined && !/[^\x20-\x7f]|,/.test(serial) ? cleaned(serial) : '';
  const address = hctlOf(scsi.name);
  const long = [word('vendor', 'manufacturer', 'idVendor'), word('model', 'product', 'idProduct'), short]
    .filter((part) => part !== '')
    .join('_');
  return {
    serial: given([short, transparent && address ? `${long}-${address[2]}:${address[3]}` : long]),
    ...NO_WWN,
  };
}

interface Descriptor {
  type: number;
  ascii: boolean;
  value: Buffer;
}
const VENDOR_SPECIFIC = 0;
const T10_VENDOR = 1;
const EUI_64 = 2;
const NAA = 3;

/** scsi_id: the best descriptor of page 0x83, else page 0x80, which behind a RAID controller is often its own. */
function scsiIdentity(scsi: SysfsDevice): DiskIdentity {
  const unit = unitSerial(scsi);
  const own = `${(scsi.text('vendor') ?? '').padEnd(8)}${(scsi.text('model') ?? '').padEnd(16)}`;
  const best = preSpc3(scsi) ?? bestOf(descriptorsOf(scsi));
  if (best) {
    const text = best.ascii
      ? best.value.toString('latin1').replace(/\0.*$/s, '')
      : best.value.toString('hex');
    const before = best.type === VENDOR_SPECIFIC ? own : '';
    const hex = best.type === NAA ? text : '';
    return {
      serial: given([
        cleaned(best.whole ? `3${text}` : text),
        cleaned(`${best.type}${before}${text}`),
        unit && cleaned(unit),
      ]),
      ...(best.whole ? NO_WWN : wwnOf(hex)),
    };
  }
  const naa = naaOf(scsi.text('wwid'));
  if (naa !== undefined) return { serial: given([naa, `3${naa}`, unit && cleaned(unit)]), ...wwnOf(naa) };
  if (unit === undefined) return { serial: [], ...NO_WWN };
  return { serial: given([cleaned(unit), cleaned(`S${own}${unit}`)]), ...NO_WWN };
}

/** SPC-4 §7.8.6; `whole` for a page that older disks fill with a single identifier (EMC Symmetrix). */
function preSpc3(scsi: SysfsDevice): (Descriptor & { whole?: true }) | undefined {
  const page = scsi.bytes('vpd_pg83');
  if (!page || page.length < 8 || page[1] !== 0x83 || page[6] === 0) return undefined;
  return { type: NAA, ascii: false, value: page.subarray(4, 4 + page[3]!), whole: true };
}

/** Descriptors of the device itself, not of its port or target. */
function descriptorsOf(scsi: SysfsDevice): Descriptor[] {
  const page = scsi.bytes('vpd_pg83');
  const found: Descriptor[] = [];
  if (!page || page.length < 4 || page[1] !== 0x83) return found;
  const end = Math.min(page.length, 4 + page.readUInt16BE(2));
  for (let at = 4; at + 4 <= end; at += 4 + page[at + 3]!) {
    const value = page.subarray(at + 4, Math.min(end, at + 4 + page[at + 3]!));
    const codeSet = page[at]! & 0x0f;
    if ((page[at + 1]! & 0x30) !== 0 || ![1, 2].includes(codeSet)) continue;
    found.push({ type: page[at + 1]! & 0x0f, ascii: codeSet === 2, value });
  }
  return found;
}

/** In scsi_id's order: NAA 6, NAA 5, another NAA, EUI-64, T10, vendor-specific; binary before text. */
function bestOf(found: readonly Descriptor[]): (Descriptor & { whole?: true }) | undefined {
  const kinds: [number, number?][] = [[NAA, 6], [NAA, 5], [NAA], [EUI_64], [T10_VENDOR], [VENDOR_SPECIFIC]];
  for (const [type, naa] of kinds) {
    for (const ascii of [false, true]) {
      const one = found.find(
        (candidate) =>
          candidate.type === type &&
          candidate.ascii === ascii &&
          (naa === undefined || (candidate.value[0] ?? 0) >> 4 === naa),
      );
      if (one) return one;
    }
  }
  return undefined;
}

/** NAA type 6 adds a vendor extension to the eight bytes of the other types. */
function wwnOf(hex: string): Omit<DiskIdentity, 'serial'> {
  if (hex === '') return NO_WWN;
  const [first, extension] = [hex.slice(0, 16), hex.slice(16, 32)];
  return {
    wwn: `0x${first}`,
    wwn_with_extension: `0x${first}${extension}`,
    wwn_vendor_extension: extension === '' ? null : `0x${extension}`,
  };
}

/** From the identifier that the kernel chose, for kernels that do not keep a page. */
function naaOf(wwid: string | undefined): string | undefined {
  return /^naa\.((?:[0-9a-f]{16}){1,2})$/i.exec(wwid ?? '')?.[1]?.toLowerCase();
}

/** SCSI vital product data page 0x80 (SPC-4 §7.8.15): four bytes of header, then text. */
function unitSerial(scsi: SysfsDevice): string | undefined {
  const page = scsi.bytes('vpd_pg80');
  if (!page || page.length < 4 || page[1] !== 0x80) return undefined;
  const text = page
    .subarray(4, 4 + page[3]!)
    .toString('latin1')
    .replace(/\0.*$/s, '');
  return text.trim() === '' ? undefined : text;
}

/** udev's form of a disk's text: one `_` for white space and for each character not allowed in names. */
function cleaned(text: string): string {
  return replaced(text.trim().replace(/\s+/g, '_'));
}

/** Replaces each character that udev does not allow in names. */
function replaced(text: string): string {
  return text.trim().replace(/[^A-Za-z0-9#+\-.:=@_]/g, '_');
}

function given(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value): value is string => value !== undefined && value !== ''))];
}

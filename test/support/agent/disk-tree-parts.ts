import type { SysfsEntry, SysfsTree } from '../sysfs-tree.js';

type Files = SysfsEntry['files'];

/** Adds nested folders, the first one outermost; each is a device. */
export function chain(tree: SysfsTree, ...steps: [name: string, entry?: SysfsEntry][]): string {
  let path = '';
  for (const [name, entry] of steps) {
    path = path === '' ? name : `${path}/${name}`;
    tree.device(path, entry);
  }
  return path;
}
export const pci = (name: string): [string, SysfsEntry] => [name, { subsystem: 'pci' }];
export const BRIDGE: [string, SysfsEntry] = ['pci0000:00', {}];

/** Adds host, target, device and disk below a controller's folder. */
export function scsiDisk(
  tree: SysfsTree,
  above: string,
  hctl: string,
  disk: string,
  files: Files = {},
  more: Files = {},
): void {
  const [host, channel, target] = hctl.split(':');
  const at = chain(
    tree,
    [`${above}/host${host}`, { subsystem: 'scsi', type: 'scsi_host' }],
    [`target${host}:${channel}:${target}`, { subsystem: 'scsi', type: 'scsi_target' }],
    [
      hctl,
      {
        subsystem: 'scsi',
        type: 'scsi_device',
        files: { type: '0\n', scsi_level: '7\n', rev: '1.0 \n', ...files },
      },
    ],
  );
  tree.disk(`${at}/block/${disk}`, more);
}

/** VPD page 0x80 (unit serial number). */
export const unit = (serial: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0x80, 0, serial.length]), Buffer.from(serial, 'latin1')]);
/** VPD page 0x83 (device identification), of descriptors: code set, association and type, value. */
export function designators(...list: [codeSet: number, kind: number, value: Buffer][]): Buffer {
  const body = Buffer.concat(
    list.map(([codeSet, kind, value]) =>
      Buffer.concat([Buffer.from([codeSet, kind, 0, value.length]), value]),
    ),
  );
  return Buffer.concat([Buffer.from([0, 0x83, body.length >> 8, body.length & 0xff]), body]);
}
export const hex = (text: string) => Buffer.from(text, 'hex');
export const ascii = (text: string) => Buffer.from(text, 'latin1');

/** VPD page 0x89 (ATA information) with an IDENTIFY DEVICE. */
export function identifyPage(model: string, serial: string, wwn?: string): Buffer {
  const page = Buffer.alloc(572);
  page[1] = 0x89;
  page.writeUInt16BE(568, 2);
  const put = (word: number, text: string, length: number) =>
    ascii(text.padEnd(length))
      .swap16()
      .copy(page, 60 + 2 * word);
  put(10, serial.padStart(20), 20);
  put(23, 'FW1', 8);
  put(27, model, 40);
  if (wwn !== undefined) {
    page.writeUInt16LE(0x4100, 60 + 2 * 87);
    hex(wwn)
      .swap16()
      .copy(page, 60 + 2 * 108);
  }
  return page;
}

export interface DiskTree {
  name: string;
  /** Name of the disk to read. */
  disk: string;
  build(tree: SysfsTree): void;
}

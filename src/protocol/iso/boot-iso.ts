import { buildFat } from '../file-system/fat.js';
import { type BootWord, commandLine } from '../ipxe/boot-text.js';
import { type Content, PiecedImage } from './content.js';
import { layOutIso } from './write.js';

/** Boot loaders, as file contents. */
export interface Loaders {
  bios?: {
    /** isolinux.bin, in memory: a checksum of its bytes is needed. */
    isolinux: Uint8Array;
    /** ldlinux.c32 */
    ldlinux: Content;
    /** isohdpfx.bin; without it a BIOS machine cannot boot the image from a USB stick. */
    hybrid?: Uint8Array;
  };
  /** A FAT volume with EFI/BOOT: one of `efiVolume`, or any other. */
  uefi?: Content;
}

export interface BootIso {
  /** Identifies this disc: 8 to 64 letters, digits and hyphens. It is the publisher, too. */
  id: string;
  loaders: Loaders;
  kernel: Content;
  ramdisk: Content;
  /** A second archive for the initial file system, whose files join those of the ramdisk. */
  overlay?: Content;
  parameters: readonly BootWord[];
  /** Further files, by path. With some below `openstack/` it is a config drive, too. */
  files: ReadonlyMap<string, Content>;
  /** Milliseconds since 1970. */
  time: number;
}

/** Ironic's labels (images.py, create_vmedia…): readers of config drives look for the first. */
const CONFIG_DRIVE = 'config-2';
const BOOT_ISO = 'VMEDIA_BOOT_ISO';
const OVERLAY = 'overlay.cpio';
/** Bytes of the configuration in a volume of `efiVolume`: less than a cluster, so that it is contiguous. */
const CONFIG_BYTES = 512;
const PLACEHOLDER = new TextEncoder().encode('#'.repeat(CONFIG_BYTES - 1).concat('\n'));

/**
 * One disc for BIOS, UEFI and Secure Boot, bootable from an optical drive, a USB stick or by UEFI HTTP boot.
 * @throws RangeError; UnsafeBootText for a command line that is too long
 */
export function bootIso(parts: BootIso): PiecedImage {
  const { id, loaders, kernel, ramdisk, overlay, parameters, files, time } = parts;
  if (!/^[A-Za-z0-9-]{8,64}$/.test(id)) throw new RangeError(`not an id of a disc: ${JSON.stringify(id)}`);
  const { bios, uefi } = loaders;
  if (!bios && !uefi) throw new RangeError('a disc without a boot loader');
  const line = commandLine(parameters);
  const archives = ['/initrd', ...(overlay ? [`/${OVERLAY}`] : [])];
  const menu = text(grubMenu(id, line, archives));
  const all = new Map<string, Content>([
    ['vmlinuz', kernel],
    ['initrd', ramdisk],
    // Debian's signed GRUB finds its disc by this file; our own configuration finds it by the other.
    ['.disk/info', text(`${id}\n`)],
    [markOf(id).slice(1), text(`${id}\n`)],
    ['boot/grub/grub.cfg', menu],
    // Ironic's [DEFAULT]grub_config_path, which other boot loaders look for.
    ['EFI/BOOT/grub.cfg', menu],
    ...files,
  ]);
  if (overlay) all.set(OVERLAY, overlay);
  if (uefi) all.set('boot/grub/efiboot.img', uefi);
  if (bios) {
    all.set('isolinux/isolinux.bin', bios.isolinux);
    all.set('isolinux/ldlinux.c32', bios.ldlinux);
    all.set('isolinux/isolinux.cfg', text(isolinuxMenu(line, archives)));
  }
  return layOutIso(all, {
    label: [...files.keys()].some((path) => path.startsWith('openstack/')) ? CONFIG_DRIVE : BOOT_ISO,
    publisher: id,
    time,
    boot: {
      catalog: 'boot/boot.cat',
      ...(bios ? { bios: 'isolinux/isolinux.bin' } : {}),
      ...(uefi ? { uefi: 'boot/grub/efiboot.img' } : {}),
      ...(bios?.hybrid ? { hybrid: bios.hybrid } : {}),
    },
  });
}

/** File names of boot loaders that firmware looks for in a volume (UEFI 2.10 §3.5.1.1). */
export interface EfiLoaders {
  /** BOOTX64.EFI: shim, or a GRUB of its own. */
  first: Uint8Array;
  /** Further files in its folder, by name: shim looks for grubx64.efi and mmx64.efi. */
  beside: ReadonlyMap<string, Uint8Array>;
}

/** A volume for UEFI, the same for every disc; `withDisc` writes the disc's id into it. */
export function efiVolume({ first, beside }: EfiLoaders, time: number): Uint8Array {
  const files = new Map([
    ['EFI/BOOT/BOOTX64.EFI', first],
    ...[...beside].map(([name, bytes]) => [`EFI/BOOT/${name}`, bytes] as const),
    ['boot/grub/grub.cfg', PLACEHOLDER],
  ]);
  return buildFat(files, { label: 'EFIBOOT', sector: 512, time });
}

/**
 * On a USB stick GRUB starts from this volume and not from the disc: the configuration makes it search for that disc.
 * @throws RangeError for a volume that `efiVolume` did not make
 */
export function withDisc(volume: Uint8Array, id: string): PiecedImage {
  const at = indexOf(volume, PLACEHOLDER);
  if (at < 0) throw new RangeError('a volume without a place for the disc');
  const own = text(
    `search --no-floppy --set=root --file ${markOf(id)}\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n`,
  );
  const config = new Uint8Array(CONFIG_BYTES).fill(0x0a);
  config.set(own);
  return new PiecedImage(volume.length, [
    { at: 0, content: volume.subarray(0, at) },
    { at, content: config },
    { at: at + CONFIG_BYTES, content: volume.subarray(at + CONFIG_BYTES) },
  ]);
}

const markOf = (id: string) => `/.disk/${id}`;

function grubMenu(id: string, line: string, archives: readonly string[]): string {
  return `search --no-floppy --set=root --file ${markOf(id)}
set default=deploy
set timeout=0

menuentry "deploy" --id deploy {
    linux /vmlinuz ${line}
    initrd ${archives.join(' ')}
}
`;
}

function isolinuxMenu(line: string, archives: readonly string[]): string {
  return `default deploy
prompt 0
timeout 1

label deploy
kernel /vmlinuz
append initrd=${archives.join(',')} ${line}
`;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Searches at sector boundaries only: files of a FAT volume begin there. */
function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at + wanted.length <= bytes.length; at += 512) {
    if (bytes[at] === wanted[0] && wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

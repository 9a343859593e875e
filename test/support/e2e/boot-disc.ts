import { createReadStream, readFileSync, statSync } from 'node:fs';
import { bootWords } from '../../../src/protocol/ipxe/boot-text.js';
import { bootIso, efiVolume, withDisc } from '../../../src/protocol/iso/boot-iso.js';
import type { PiecedImage, StreamedContent } from '../../../src/protocol/iso/content.js';

/** Content of a file, read on demand. */
export function fileContent(path: string): StreamedContent {
  return {
    size: statSync(path).size,
    read: (start, end) => createReadStream(path, { start, end: end - 1 }),
  };
}

const own = (path: string) => new Uint8Array(readFileSync(path));

/** A disc with Debian's boot loaders. @param unsigned an unsigned GRUB, in place of shim and its GRUB */
export function debianDisc(options: {
  kernel: string;
  ramdisk: string;
  line: string;
  files?: Readonly<Record<string, string>>;
  unsigned?: string;
}): PiecedImage {
  const id = '0a6f9d0c-7d0b-4d8e-9a51-6b7a3d4c2e10';
  const signed = {
    first: () => own('/usr/lib/shim/shimx64.efi.signed'),
    beside: () => new Map([['grubx64.efi', own('/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed')]]),
  };
  const loaders =
    options.unsigned === undefined
      ? { first: signed.first(), beside: signed.beside() }
      : { first: own(options.unsigned), beside: new Map<string, Uint8Array>() };
  const files = Object.entries(options.files ?? {});
  return bootIso({
    id,
    loaders: {
      bios: {
        isolinux: own('/usr/lib/ISOLINUX/isolinux.bin'),
        ldlinux: own('/usr/lib/syslinux/modules/bios/ldlinux.c32'),
        hybrid: own('/usr/lib/ISOLINUX/isohdpfx.bin'),
      },
      uefi: withDisc(efiVolume(loaders, 0), id),
    },
    kernel: fileContent(options.kernel),
    ramdisk: fileContent(options.ramdisk),
    parameters: bootWords(options.line, 'kernel parameter'),
    files: new Map(files.map(([path, text]) => [path, new TextEncoder().encode(text)])),
    time: Date.now(),
  });
}

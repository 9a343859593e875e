import { z } from 'zod';

const file = (value: string, what: string) =>
  z.string().startsWith('/').nullable().default(value).describe(what);

/** Boot loaders of the discs that machines boot through virtual media. */
export const bootMediaSection = z
  .strictObject({
    efi_first: file(
      '/usr/lib/shim/shimx64.efi.signed',
      'What UEFI firmware starts: shim, for Secure Boot, or a GRUB; null: no discs for UEFI',
    ),
    efi_grub: file(
      '/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed',
      'The GRUB that shim starts, one that looks for /boot/grub/grub.cfg on its disc; null: efi_first is one itself',
    ),
    efi_mok_manager: file('/usr/lib/shim/mmx64.efi.signed', 'What shim starts to enrol keys; null: nothing'),
    isolinux: file('/usr/lib/ISOLINUX/isolinux.bin', 'What BIOSes start; null: no discs for BIOS'),
    ldlinux: file(
      '/usr/lib/syslinux/modules/bios/ldlinux.c32',
      'The module that isolinux needs, of the same version',
    ),
    isohybrid_mbr: file(
      '/usr/lib/ISOLINUX/isohdpfx.bin',
      'Boot sector for discs that a BIOS sees as a USB stick; null: none',
    ),
    unread_timeout: z
      .number()
      .min(1)
      .default(900)
      .describe(
        'Seconds after a machine’s start in which something of its disc must have been read; a BMC that only says that it inserted the disc fails the work then. Longer than the firmware’s self-test takes',
      ),
  })
  .prefault({});

export type BootMediaSettings = z.output<typeof bootMediaSection>;

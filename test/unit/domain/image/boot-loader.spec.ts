import { describe, expect, it } from 'vitest';
import { bootLoaderFault } from '../../../../src/domain/image/boot-loader.js';

const fault = (mode: 'bios' | 'uefi', ...paths: string[]) => bootLoaderFault(new Set(paths), mode);

describe('bootLoaderFault', () => {
  it('wants an installer and the modules of the firmware', () => {
    expect(fault('bios', '/usr/sbin/grub-install', '/usr/lib/grub/i386-pc')).toBeUndefined();
    expect(fault('uefi', '/usr/bin/grub2-install', '/usr/lib/grub/x86_64-efi')).toBeUndefined();
    expect(fault('bios', '/usr/sbin/grub2-install', '/usr/share/grub2/i386-pc')).toBeUndefined();
    expect(fault('uefi', '/usr/sbin/grub2-install', '/usr/share/grub2/x86_64-efi')).toBeUndefined();
    // One family's programs do not read another's modules.
    expect(fault('bios', '/usr/sbin/grub-install', '/usr/share/grub2/i386-pc')).toContain('without GRUB');
    expect(fault('uefi', '/boot/efi/EFI')).toBeUndefined();
    expect(fault('bios', '/boot/efi/EFI')).toContain('without GRUB for BIOS');
    expect(fault('uefi', '/usr/sbin/grub-install', '/usr/lib/grub/i386-pc')).toContain(
      'no /usr/lib/grub/x86_64-efi',
    );
    expect(fault('bios', '/usr/lib/grub/i386-pc')).toContain('boot_option:netboot');
  });
});

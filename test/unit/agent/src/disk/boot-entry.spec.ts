import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootEntries, findLoaders, parseLoaderCsv } from '../../../../../agent/src/disk/boot-entry.js';

describe('findLoaders', () => {
  let esp: string;
  const put = (path: string, content: string | Buffer = 'x') => {
    mkdirSync(dirname(join(esp, path)), { recursive: true });
    writeFileSync(join(esp, path), content);
  };

  beforeEach(() => {
    esp = mkdtempSync(join(tmpdir(), 'esp-'));
  });
  afterEach(() => rmSync(esp, { recursive: true }));

  it('names the loaders that firmware knows', async () => {
    put('EFI/BOOT/BOOTX64.EFI');
    put('EFI/debian/grub.cfg');
    put('EFI/debian/mmx64.efi');
    expect(await findLoaders(esp)).toEqual([{ path: '\\EFI\\BOOT\\BOOTX64.EFI', label: 'ferric1' }]);
  });

  it('follows a CSV alone, which names loader and label', async () => {
    put('EFI/BOOT/BOOTX64.EFI');
    put(
      'EFI/debian/BOOTX64.CSV',
      Buffer.from('\ufeffshimx64.efi,debian,,This is the boot entry for debian\n', 'utf16le'),
    );
    expect(await findLoaders(esp)).toEqual([{ path: '\\EFI\\debian\\shimx64.efi', label: 'debian' }]);
  });

  it('goes on without a CSV that says nothing', async () => {
    put('EFI/BOOT/BOOTX64.EFI');
    put('EFI/x/boot.csv', '');
    expect(await findLoaders(esp)).toHaveLength(1);
    expect(await findLoaders(mkdtempSync(join(esp, 'empty-')))).toEqual([]);
  });
});

describe('parseLoaderCsv', () => {
  it('reads either byte order, with a mark or without', () => {
    const text = 'shimaa64.efi,ubuntu,,comment\r\n';
    const little = Buffer.from(text, 'utf16le');
    const big = Buffer.from(`\ufeff${text}`, 'utf16le').swap16();
    for (const bytes of [little, big])
      expect(parseLoaderCsv(bytes)).toEqual({ file: 'shimaa64.efi', label: 'ubuntu' });
    expect(parseLoaderCsv(Buffer.from('shim', 'utf16le'))).toBeUndefined();
  });
});

describe('bootEntries', () => {
  it('reads what efibootmgr prints', () => {
    const text = `BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0001,0000
Boot0000* UiApp	FvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
Boot0001  ferric1	HD(1,GPT,234852b8)/File(\\EFI\\BOOT\\BOOTX64.EFI)
Boot000A* UEFI PXEv4 (MAC:525400AA0001)
`;
    expect(bootEntries(text)).toEqual([
      { number: '0000', label: 'UiApp' },
      { number: '0001', label: 'ferric1' },
      { number: '000A', label: 'UEFI PXEv4 (MAC:525400AA0001)' },
    ]);
  });
});

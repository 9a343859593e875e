import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootMediaSettings } from '../../config/section/boot-media.js';
import { InvalidError, messageOf } from '../../domain/errors.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { writeFileAtomically } from '../../platform/write-file.js';
import { efiVolume } from '../../protocol/iso/boot-iso.js';

/** A file below the boot root, and its bytes: discs serve their parts of it from there. */
export interface KeptFile {
  path: string;
  bytes: Uint8Array;
}

export interface LoaderFiles {
  bios?: { isolinux: KeptFile; ldlinux: KeptFile; hybrid?: Uint8Array };
  /** A volume of `efiVolume`. */
  uefi?: KeptFile;
}

/** Milliseconds since 1970; constant, so that equal loaders always make an equal volume. */
const TIME = Date.UTC(2026, 0, 1);

/** Boot loaders of discs, stored under the HTTP root by their hash: equal content is written once. */
export class BootLoaderFiles {
  constructor(
    private readonly settings: BootMediaSettings,
    private readonly root: string,
  ) {}

  /**
   * The installed loaders, for both modes if both are installed.
   * @throws InvalidError naming the file that this mode lacks
   */
  async of(mode: BootMode): Promise<LoaderFiles> {
    const [bios, uefi] = await Promise.all([this.optional('bios', mode), this.optional('uefi', mode)]);
    return { ...(bios as Pick<LoaderFiles, 'bios'>), ...(uefi as Pick<LoaderFiles, 'uefi'>) };
  }

  private async optional(which: BootMode, wanted: BootMode): Promise<LoaderFiles> {
    try {
      return which === 'bios' ? await this.bios() : await this.uefi();
    } catch (error) {
      if (which !== wanted) return {};
      const text = `No disc can be made that starts in boot mode ${which}: ${messageOf(error)}`;
      throw new InvalidError(text, { cause: error });
    }
  }

  private async bios(): Promise<LoaderFiles> {
    const { isolinux, ldlinux, isohybrid_mbr } = this.settings;
    if (isolinux === null) throw new Error('boot_media.isolinux names no file');
    if (ldlinux === null) throw new Error('boot_media.ldlinux names no file');
    const hybrid = isohybrid_mbr === null ? undefined : await bytesOf(isohybrid_mbr);
    return {
      bios: {
        isolinux: await this.keep('isolinux.bin', await bytesOf(isolinux)),
        ldlinux: await this.keep('ldlinux.c32', await bytesOf(ldlinux)),
        ...(hybrid ? { hybrid } : {}),
      },
    };
  }

  private async uefi(): Promise<LoaderFiles> {
    const { efi_first, efi_grub, efi_mok_manager } = this.settings;
    if (efi_first === null) throw new Error('boot_media.efi_first names no file');
    const beside = new Map<string, Uint8Array>();
    if (efi_grub !== null) beside.set('grubx64.efi', await bytesOf(efi_grub));
    if (efi_mok_manager !== null) beside.set('mmx64.efi', await bytesOf(efi_mok_manager));
    const volume = efiVolume({ first: await bytesOf(efi_first), beside }, TIME);
    return { uefi: await this.keep('efiboot.img', volume) };
  }

  /** Written atomically, and never changed: other discs may be served from it. */
  private async keep(name: string, bytes: Uint8Array): Promise<KeptFile> {
    const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    const path = join(this.root, 'boot-media', `${digest}-${name}`);
    const there = await readFile(path).catch(() => undefined);
    if (!there?.equals(bytes)) await writeFileAtomically(path, bytes);
    return { path, bytes };
  }
}

/** A buffer that is not shared with Node.js's pool. */
async function bytesOf(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

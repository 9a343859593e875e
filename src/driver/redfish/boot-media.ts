import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { BootMode } from '../../domain/node/boot-device.js';
import type { Segment } from '../../persistence/published-file/publication.js';
import { cpioArchive } from '../../protocol/cpio.js';
import { type BootWord, bootWords, kernelParameter } from '../../protocol/ipxe/boot-text.js';
import { bootIso, withDisc } from '../../protocol/iso/boot-iso.js';
import {
  type Content,
  flatPieces,
  type PiecedImage,
  type StreamedContent,
} from '../../protocol/iso/content.js';
import type { BootLoaderFiles, KeptFile, LoaderFiles } from './loader-files.js';

export interface DiscRequest {
  mode: BootMode;
  /** Files below the boot root. */
  kernel: string;
  ramdisk: string;
  parameters: readonly BootWord[];
  /** The operator's own EFI volume instead of the one made of the configured boot loaders. */
  efiVolume?: string;
  /** For the running ramdisk, by path. */
  files: ReadonlyMap<string, Uint8Array>;
  /**
   * `on-disc`: the ramdisk reads them from the disc, a drive of its machine, which its command line names (Ironic:
   * boot_method, ir_pub_id); with some below `openstack/` the disc is a config drive, too. `in-memory`: it finds them in
   * its own file system, for a disc that only the firmware sees. `none`: it is told of no disc.
   */
  told: 'on-disc' | 'in-memory' | 'none';
}

/**
 * Lays discs out as segments of existing files and of the few bytes that belong to one node. Those bytes are in the
 * database until the disc is withdrawn, never in a file.
 */
export class BootMedia {
  constructor(private readonly loaders: Pick<BootLoaderFiles, 'of'>) {}

  /** @throws InvalidError for missing boot loaders; UnsafeBootText */
  async disc(request: DiscRequest): Promise<Segment[]> {
    const { mode, kernel, ramdisk, efiVolume, files, told } = request;
    const id = randomUUID();
    // With an EFI volume of its own the disc boots on UEFI, whatever loaders are installed.
    const ownUefi = efiVolume !== undefined && mode === 'uefi';
    const found: LoaderFiles = await this.loaders
      .of(efiVolume === undefined ? mode : 'bios')
      .catch((error: unknown) => {
        if (ownUefi) return {};
        throw error;
      });
    const kept: KeptFile[] = [];
    const bytesOf = (file: KeptFile) => {
      kept.push(file);
      return file.bytes;
    };
    const { bios, uefi } = found;
    const loaders = {
      ...(bios
        ? {
            bios: {
              isolinux: bytesOf(bios.isolinux),
              ldlinux: bytesOf(bios.ldlinux),
              ...(bios.hybrid ? { hybrid: bios.hybrid } : {}),
            },
          }
        : {}),
      ...(efiVolume !== undefined
        ? { uefi: await partOf(efiVolume) }
        : uefi
          ? { uefi: withDisc(bytesOf(uefi), id) }
          : {}),
    };
    const parameters = [
      ...request.parameters,
      ...(told === 'on-disc'
        ? [...bootWords('boot_method=vmedia', 'kernel parameter'), kernelParameter('ir_pub_id', id)]
        : []),
    ];
    const [kernelFile, ramdiskFile] = await Promise.all([partOf(kernel), partOf(ramdisk)]);
    const parts = { id, loaders, kernel: kernelFile, ramdisk: ramdiskFile, parameters, time: Date.now() };
    const image =
      told === 'in-memory' && files.size > 0
        ? bootIso({ ...parts, overlay: archiveOf(files), files: new Map() })
        : bootIso({ ...parts, files });
    return segmentsOf(image, kept);
  }
}

function archiveOf(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries = [...files].map(([path, bytes]) => ({
    path,
    kind: 'file' as const,
    mode: 0o600,
    content: Buffer.from(bytes),
  }));
  return new Uint8Array(Buffer.concat([...cpioArchive(entries)]));
}

interface FilePart extends StreamedContent {
  path: string;
}

async function partOf(path: string): Promise<FilePart> {
  const { size } = await stat(path);
  return {
    path,
    size,
    read: () => {
      throw new Error('it is the server that reads this');
    },
  };
}

/** @param kept files whose bytes are available: their parts of the image are served from the file */
export function segmentsOf(image: PiecedImage, kept: readonly KeptFile[]): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const piece of flatPieces(image)) {
    if (piece.at > at) segments.push({ zeros: piece.at - at });
    segments.push(...segmentsOfContent(piece.content, kept));
    at = piece.at + sizeOf(piece.content);
  }
  if (image.size > at) segments.push({ zeros: image.size - at });
  return segments;
}

function segmentsOfContent(content: Content, kept: readonly KeptFile[]): Segment[] {
  if (!(content instanceof Uint8Array))
    return [{ path: (content as FilePart).path, start: 0, length: content.size }];
  const file = kept.find(({ bytes }) => bytes.buffer === content.buffer);
  if (file) {
    const start = content.byteOffset - file.bytes.byteOffset;
    return [{ path: file.path, start, length: content.length }];
  }
  // Most of a directory's sector is empty.
  const used = content.findLastIndex((byte) => byte !== 0) + 1;
  const zeros = content.length - used;
  return [
    ...(used > 0 ? [{ bytes: Buffer.from(content.subarray(0, used)).toString('base64') }] : []),
    ...(zeros > 0 ? [{ zeros }] : []),
  ];
}

const sizeOf = (content: Content) => (content instanceof Uint8Array ? content.length : content.size);

// Whether an image's contents match the declared kind. Ironic only warns of a mismatch in its guide.
import type { ImageKind } from './instance-image.js';

/** What an image's first bytes show. Same words as `src/protocol/image-format/contents.ts`. */
export type ImageContents =
  | 'partition-table' // GPT or MBR with at least one partition: a whole disk
  | 'optical-disc' // ISO 9660 or UDF with a boot record, hybrid ones too
  | 'plain-disc' // the same without a boot record
  | 'filesystem' // a file system from its first byte: a partition
  | 'protective-mbr' // the protective MBR of a GPT that cannot be read: no partition table
  | 'boot-sector' // has the signature of an MBR, but no table: code of a boot loader
  | 'kernel'
  | 'ramdisk'
  | 'unknown' // inspected and not recognized
  | 'unseen'; // in a format that is not inspected

const WHOLE =
  'A whole-disk image needs neither: remove kernel_id and ramdisk_id from the image (kernel and ramdisk from ' +
  'instance_info), or set instance_info.image_type to whole-disk.';
const PARTITION =
  'If it is a partition image, give it kernel_id and ramdisk_id (kernel and ramdisk in instance_info), or set ' +
  'instance_info.image_type to partition; if not, build it with a partition table and a boot loader.';

/**
 * Why an image must not be written as the declared kind, and the remedy; undefined where no reason is known.
 * @param kind as `imageKind` derives it from instance_info and the Image service
 */
export function kindFault(kind: ImageKind, contents: ImageContents): string | undefined {
  if (contents === 'protective-mbr')
    return 'The image begins with a protective MBR, but no GPT that can be read is behind it: it has no partition table, and no machine boots from it. It may have been cut or altered on its way.';
  if (kind === 'partition') {
    switch (contents) {
      case 'partition-table':
        return `The image is told to be a partition image (it has a kernel and a ramdisk, or says so), but it begins with a partition table. ${WHOLE}`;
      case 'optical-disc':
      case 'plain-disc':
        return `The image is told to be a partition image, but it is an optical disc (ISO). ${WHOLE}`;
      case 'kernel':
      case 'ramdisk':
        return `The image is told to be a partition image, but it is a ${contents}: image_source must be the file system, kernel and ramdisk stand beside it.`;
      default:
        return undefined;
    }
  }
  switch (contents) {
    case 'filesystem':
      return `The image is told to be a whole-disk image, but it is a bare file system without a partition table: no machine boots from it. ${PARTITION}`;
    case 'kernel':
    case 'ramdisk':
      return `The image is told to be a whole-disk image, but it is a ${contents}: image_source must be a disk image.`;
    case 'plain-disc':
      return 'The image is an ISO without a boot record (neither El Torito nor an MBR): no machine boots from it. Take a bootable one, best a hybrid ISO.';
    case 'unknown':
      return `The image is told to be a whole-disk image, but it has no partition table and no boot sector: no machine boots from it. ${PARTITION}`;
    case 'unseen':
    case 'boot-sector':
    case 'partition-table':
    case 'optical-disc':
      return undefined;
  }
}

import { FerricError } from '../domain/errors.js';
import type { BlobFacts } from '../image/cache/blob.js';
import type { LocalImage } from '../image/cache/local-images.js';
import type { ImageRecord } from '../persistence/image-record/image-record.entity.js';

/**
 * An image with its bytes, as a deployment reads it.
 * @throws FerricError image-unavailable for an image that is not active
 */
export async function localImageOf(
  image: ImageRecord,
  read: () => Promise<{ path: string; facts: BlobFacts }>,
): Promise<LocalImage> {
  if (image.status !== 'active')
    throw new FerricError('image-unavailable', `Image ${image.uuid} is not active but ${image.status}.`);
  const { path, facts } = await read();
  const { img_type, kernel_id, ramdisk_id, boot_iso_id } = image.properties;
  return {
    id: image.uuid,
    size: facts.size,
    diskFormat: image.disk_format ?? undefined,
    hash: { algorithm: 'sha512', value: facts.digests.sha512 },
    ...(img_type ? { img_type } : {}),
    ...(kernel_id ? { kernel_id } : {}),
    ...(ramdisk_id ? { ramdisk_id } : {}),
    ...(boot_iso_id ? { boot_iso_id } : {}),
    path,
    facts,
  };
}

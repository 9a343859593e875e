import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import type { Config } from '../config/schema.js';
import { LOCAL_IMAGES } from '../image/image.module.js';
import { ImageRecordRepository } from '../persistence/image-record/image-record.repository.js';
import { CONFIG } from '../platform/config.module.js';
import { injected, valueToken } from '../platform/injected.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { BlobStore } from './blob-store.js';
import { ImageLibrary } from './image-library.js';
import { Receiver } from './receiver.js';

const MiB = 2 ** 20;

/** The built-in Image service; null when off. */
export const IMAGE_LIBRARY = valueToken<ImageLibrary | null>('image library');

/** The built-in Image service. It provides the image room with its records, which that room cannot import. */
@Global()
@Module({
  providers: [
    injected({ config: CONFIG, records: ImageRecordRepository, log: LOGGER }).provide(
      IMAGE_LIBRARY,
      ({ config, records, log }) =>
        config.image_service.enabled ? composeLibrary(config, records, log) : null,
    ),
    injected({ library: IMAGE_LIBRARY }).provide(LOCAL_IMAGES, ({ library }) => library),
  ],
  exports: [IMAGE_LIBRARY, LOCAL_IMAGES],
})
export class ImageLibraryModule {}

export function composeLibrary(
  { image_service, data_dir }: Pick<Config, 'image_service' | 'data_dir'>,
  records: ImageRecordRepository,
  log: Logger,
): ImageLibrary {
  const store = new BlobStore({
    directory: image_service.directory ?? join(data_dir, 'image-store'),
    keepFree: image_service.keep_free_mib * MiB,
  });
  const settings = {
    maxBytes: image_service.max_size_mib * MiB,
    maxVirtualBytes: image_service.max_virtual_size_gib * 1024 * MiB,
    partTtl: image_service.part_ttl_minutes * 60_000,
  };
  return new ImageLibrary(records, store, new Receiver(), settings, log);
}

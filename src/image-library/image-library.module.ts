import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import type { Config } from '../config/schema.js';
import { LocalImages } from '../image/cache/local-images.js';
import { ImageRecordRepository } from '../persistence/image-record/image-record.repository.js';
import type { Logger } from '../platform/logger.js';
import { LOGGER } from '../platform/logger.module.js';
import { BlobStore } from './blob-store.js';
import { ImageLibrary } from './image-library.js';
import { Receiver } from './receiver.js';

const MiB = 2 ** 20;

/** The Image service inside. It tells the image room of its records, which that room cannot know. */
@Module({})
export class ImageLibraryModule {
  static forRoot({ enabled }: Config['image_service']): DynamicModule {
    if (!enabled) return { module: ImageLibraryModule };
    return {
      module: ImageLibraryModule,
      global: true,
      providers: [
        {
          provide: ImageLibrary,
          inject: [CONFIG, ImageRecordRepository, LOGGER],
          useFactory: composeLibrary,
        },
        { provide: LocalImages, useExisting: ImageLibrary },
      ],
      exports: [ImageLibrary, LocalImages],
    };
  }
}

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

import { Module } from '@nestjs/common';
import { ownPaths } from '../config/own-paths.js';
import { processEnvironment } from '../config/process-source.js';
import { CONFIG } from '../platform/config.module.js';
import { injected, valueToken } from '../platform/injected.js';
import type { LocalImages } from './cache/local-images.js';
import { ImageService } from './image-service.js';
import { imageServiceSettings } from './settings.js';

/** The built-in Image service; null when off. The module with its records provides it. */
export const LOCAL_IMAGES = valueToken<LocalImages | null>('local images');

/** Images: inspected, fetched once, cached, converted. */
@Module({
  providers: [
    injected({ config: CONFIG, localImages: LOCAL_IMAGES }).provide(
      ImageService,
      ({ config, localImages }) =>
        new ImageService(
          imageServiceSettings(config.image, {
            environment: processEnvironment(),
            dataDir: config.data_dir,
            ownPaths: ownPaths(config),
          }),
          localImages ?? undefined,
        ),
    ),
  ],
  exports: [ImageService],
})
export class ImageModule {}

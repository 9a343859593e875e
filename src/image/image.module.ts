import { Module } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import { ownPaths } from '../config/own-paths.js';
import { processEnvironment } from '../config/process-source.js';
import type { Config } from '../config/schema.js';
import { LocalImages } from './cache/local-images.js';
import { ImageService } from './image-service.js';
import { imageServiceSettings } from './settings.js';

/** Images: judged, fetched once, cached, converted. */
@Module({
  providers: [
    {
      provide: ImageService,
      inject: [CONFIG, { token: LocalImages, optional: true }],
      useFactory: (config: Config, localImages?: LocalImages) =>
        new ImageService(
          imageServiceSettings(config.image, {
            environment: processEnvironment(),
            dataDir: config.data_dir,
            ownPaths: ownPaths(config),
          }),
          localImages,
        ),
    },
  ],
  exports: [ImageService],
})
export class ImageModule {}

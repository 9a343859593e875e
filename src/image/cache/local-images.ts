import type { GlanceImage } from '../fetch/glance.js';
import type { BlobFacts } from './blob.js';

/** An image whose bytes are here. */
export interface LocalImage extends GlanceImage {
  /** Of its bytes. They may be linked to, never written. */
  path: string;
  facts: BlobFacts;
}

/** The Image service inside, as far as deployments need it. Who keeps its records is joined in `src/image-library/image-library.module.ts`. */
export abstract class LocalImages {
  /** @throws NotFoundError; FerricError image-unavailable when it is not active or bytes were lost */
  abstract show(id: string): Promise<LocalImage>;
  /** Removes bytes that belong to no image. */
  abstract sweep(): Promise<void>;
}

import type { GlanceImage } from '../fetch/glance.js';
import type { BlobFacts } from './blob.js';

/** An image whose bytes are in Ferric's own store. */
export interface LocalImage extends GlanceImage {
  /** Path of the bytes. They may be linked to, never written. */
  path: string;
  facts: BlobFacts;
}

/** The built-in Image service for deployments; `src/image-library/image-library.module.ts` provides it. */
export abstract class LocalImages {
  /** @throws NotFoundError; FerricError image-unavailable when it is not active or bytes are lost */
  abstract show(id: string): Promise<LocalImage>;
  /** Removes bytes that belong to no image. */
  abstract sweep(): Promise<void>;
}

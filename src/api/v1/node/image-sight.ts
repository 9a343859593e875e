import { InvalidError } from '../../../domain/errors.js';
import { parseImageReference } from '../../../domain/image/reference.js';
import type { JsonObject } from '../../../domain/json.js';
import type { GlanceClient } from '../../../image/fetch/glance.js';
import type { ImageRecordRepository } from '../../../persistence/image-record/image-record.repository.js';
import type { Asked } from '../../request/asked.js';
import { type ImageFinder, seesAll } from '../../v2/image/image-finder.js';

/** Fields of a node that name an image. */
const NAMING = {
  instance_info: ['image_source', 'kernel', 'ramdisk', 'boot_iso'],
  driver_info: [
    ...['deploy_kernel', 'deploy_ramdisk', 'deploy_iso', 'rescue_kernel', 'rescue_ramdisk', 'rescue_iso'],
  ],
} as const;

export type ImageBearing = Partial<Record<keyof typeof NAMING, unknown>>;

/** Field → UUID of an image of the Image service. */
export type NamedImages = ReadonlyMap<string, string>;

/** The images of the Image service that these columns name. */
export function namedImages(node: ImageBearing): Map<string, string> {
  const named = new Map<string, string>();
  for (const [column, fields] of Object.entries(NAMING)) {
    const info = node[column as keyof typeof NAMING];
    if (typeof info !== 'object' || info === null) continue;
    for (const field of fields) {
      const id = imageId((info as JsonObject)[field]);
      if (id !== null) named.set(`${column}.${field}`, id);
    }
  }
  return named;
}

function imageId(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  try {
    const reference = parseImageReference(value, '');
    return reference.kind === 'glance' ? reference.id : null;
  } catch {
    return null; // an invalid reference is refused where it is used
  }
}

/** An Image service, as far as its images' visibility is concerned. */
export interface SeenImages {
  sees(id: string, asked: Asked): Promise<boolean>;
  /** The properties that name further images; empty for a missing image. */
  partsOf(id: string): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Deployments read images with the daemon's rights: a requester may name only images that he could see at the Image
 * service itself. Any other image counts as missing.
 */
export class ImageSight {
  /** @param images null: there is no Image service, and UUIDs are refused where they are used */
  constructor(private readonly images: SeenImages | null) {}

  /** @throws InvalidError as for a missing image; FerricError image-unavailable when the Image service is away */
  async demand(named: NamedImages, asked: Asked): Promise<void> {
    if (this.images === null || seesAll(asked)) return;
    for (const [field, id] of named) {
      if (!(await this.images.sees(id, asked))) throw missing(field, id);
    }
  }

  /** As `demand`, for a deployment: also the image's own kernel and ramdisk. */
  async demandDeployable(node: ImageBearing, asked: Asked): Promise<void> {
    if (this.images === null || seesAll(asked)) return;
    const named = namedImages({ instance_info: node.instance_info });
    const source = named.get('instance_info.image_source');
    const parts = source === undefined ? {} : await this.images.partsOf(source);
    for (const part of ['kernel_id', 'ramdisk_id', 'boot_iso_id']) {
      const id = imageId(parts[part]);
      if (id !== null) named.set(`${part} of image ${String(source)}`, id);
    }
    await this.demand(named, asked);
  }
}

/** The built-in Image service. */
export function imagesInside(finder: ImageFinder, records: ImageRecordRepository): SeenImages {
  return {
    sees: (id, asked) => finder.sees(id, asked),
    partsOf: async (id) => (await records.find(id))?.properties ?? {},
  };
}

/** An outside one, asked by Ferric's own login (`image.glance`). */
export function imagesOutside(glance: Pick<GlanceClient, 'sightOf'>): SeenImages {
  const sight = (id: string, project: string | null) =>
    glance.sightOf(id, project, new AbortController().signal);
  return {
    sees: async (id, { scope }) => (await sight(id, scope.project))?.visible ?? false,
    partsOf: async (id) => (await sight(id, null))?.parts ?? {},
  };
}

function missing(field: string, id: string): InvalidError {
  return new InvalidError(`${field}: Image ${id} could not be found.`);
}

import { InvalidError } from '../../../domain/errors.js';
import { parseImageReference } from '../../../domain/image/reference.js';
import type { JsonObject } from '../../../domain/json.js';
import type { GlanceClient } from '../../../image/fetch/glance.js';
import type { Asked } from '../../request/asked.js';
import { type ImageFinder, seesAll } from '../../v2/image/image-finder.js';

/** Fields of a node that name an image. */
const NAMING = {
  instance_info: ['image_source', 'kernel', 'ramdisk', 'boot_iso'],
  driver_info: [
    ...['deploy_kernel', 'deploy_ramdisk', 'deploy_iso', 'rescue_kernel', 'rescue_ramdisk', 'rescue_iso'],
    'bootloader',
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

export interface Sight {
  visible: boolean;
  /** The properties that name further images. */
  parts: Readonly<Record<string, unknown>>;
}

/** An Image service, as far as its images' visibility is concerned. */
export interface SeenImages {
  /** @returns null for a missing image */
  look(id: string, asked: Asked): Promise<Sight | null>;
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
    await demandAll(named, looking(this.images, asked));
  }

  /** As `demand`, for a deployment: also the image's own kernel and ramdisk. */
  async demandDeployable(node: ImageBearing, asked: Asked): Promise<void> {
    if (this.images === null || seesAll(asked)) return;
    const named = namedImages({ instance_info: node.instance_info });
    const source = named.get('instance_info.image_source');
    const look = looking(this.images, asked);
    const parts = source === undefined ? {} : ((await look(source))?.parts ?? {});
    for (const part of ['kernel_id', 'ramdisk_id', 'boot_iso_id']) {
      const id = imageId(parts[part]);
      if (id !== null) named.set(`${part} of image ${String(source)}`, id);
    }
    await demandAll(named, look);
  }
}

type Look = (id: string) => Promise<Sight | null>;

/** Asks for each image once. */
function looking(images: SeenImages, asked: Asked): Look {
  const looks = new Map<string, Promise<Sight | null>>();
  return (id) => {
    const look = looks.get(id) ?? images.look(id, asked);
    looks.set(id, look);
    return look;
  };
}

async function demandAll(named: NamedImages, look: Look): Promise<void> {
  for (const [field, id] of named) if (!(await look(id))?.visible) throw missing(field, id);
}

/** The built-in Image service. */
export function imagesInside(finder: ImageFinder): SeenImages {
  return {
    look: async (id, asked) => {
      const image = await finder.downloadable(id, asked);
      return image && { visible: true, parts: image.properties };
    },
  };
}

/** An outside one, asked by Ferric's own login (`image.glance`). */
export function imagesOutside(glance: Pick<GlanceClient, 'sightOf'>): SeenImages {
  return { look: (id, { scope }) => glance.sightOf(id, scope.project, new AbortController().signal) };
}

function missing(field: string, id: string): InvalidError {
  return new InvalidError(`${field}: Image ${id} could not be found.`);
}

import { z } from 'zod';

export const imageServiceSection = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Serve /v2/images on the listener of the API; deployments use it unless image.glance.url is set',
      ),
    directory: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe('Where the bytes of images are kept; null: image-store in data_dir'),
    max_size_mib: z.int().min(1).default(102_400).describe('Largest image file, in MiB'),
    max_virtual_size_gib: z.int().min(1).default(2_048).describe('Largest disk inside an image, in GiB'),
    keep_free_mib: z.int().min(0).default(1_024).describe('Room on the disk that uploads leave free, in MiB'),
    upload_idle_timeout: z
      .number()
      .min(0.1)
      .default(60)
      .describe('Seconds without a byte after which an upload is cut'),
    part_ttl_minutes: z
      .int()
      .min(1)
      .default(1_440)
      .describe('Minutes that a staged image, or an upload in parts, is kept without going on'),
    web_download: z.boolean().default(true).describe('Let images be imported from URLs (image.* says which)'),
    default_limit: z
      .int()
      .min(1)
      .max(1_000)
      .default(25)
      .describe('Images of one list answer, if not asked for'),
    max_limit: z.int().min(1).max(10_000).default(1_000).describe('Most images of one list answer'),
    max_properties: z.int().min(0).default(128).describe('Properties of one image'),
    max_tags: z.int().min(0).default(128).describe('Tags of one image'),
    max_members: z.int().min(0).default(128).describe('Members of one image'),
  })
  .prefault({});

export type ImageServiceSection = z.output<typeof imageServiceSection>;

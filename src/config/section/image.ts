import { z } from 'zod';
import { DEFAULT_FILE_PATHS } from '../../domain/image/file-path.js';
import { secret } from '../secret.js';

const seconds = (value: number) => z.number().min(0.1).default(value);
const cidr = () => z.union([z.cidrv4(), z.cidrv6()]);
const origin = () =>
  z
    .url({ protocol: /^https?$/ })
    .refine((text) => new URL(text).origin === text, 'scheme, host and port only');

const glance = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null)
      .describe('Image service endpoint without /v2; null: Glance UUIDs are refused'),
    auth: z.enum(['none', 'http_basic', 'token']).default('none').describe('How Ferric logs in there'),
    username: z.string().min(1).nullable().default(null).describe('For http_basic'),
    password: secret().nullable().default(null).describe('For http_basic'),
    token: secret().nullable().default(null).describe('For token: sent as X-Auth-Token'),
  })
  .prefault({})
  .refine((value) => value.auth !== 'http_basic' || (value.username !== null && value.password !== null), {
    message: 'http_basic needs username and password',
  })
  .refine((value) => value.auth !== 'token' || value.token !== null, { message: 'token needs a token' });

export const imageSection = z
  .strictObject({
    allowed_file_paths: z
      .array(z.string().startsWith('/'))
      .default(DEFAULT_FILE_PATHS)
      .describe('Directories that file:// images may lie in; /dev /sys /proc /boot /run /etc never count'),
    allow_md5_checksum: z.boolean().default(true).describe('Accept MD5 checksums'),
    permitted_formats: z
      .array(z.enum(['raw', 'gpt', 'qcow2', 'iso', 'vhd', 'vhdx', 'vmdk', 'vdi']))
      .min(1)
      .default(['raw', 'gpt', 'qcow2', 'iso'])
      .describe('Formats that an instance image may have; raw covers gpt, a disk with a partition table'),
    force_raw: z.boolean().default(true).describe('Convert images that Ferric serves itself to raw'),
    max_size_mib: z.int().min(1).default(102_400).describe('Largest image file, in MiB'),
    max_virtual_size_gib: z.int().min(1).default(2_048).describe('Largest disk inside an image, in GiB'),
    allowed_networks: z
      .array(cidr())
      .default([])
      .describe('CIDRs that image URLs may name although they are loopback or link-local'),
    refused_networks: z
      .array(cidr())
      .default([])
      .describe('CIDRs that image URLs must never reach, such as the BMC network'),
    server_credentials: z
      .array(
        z.strictObject({
          origin: origin().describe('https://images.example.org: the only place they are sent to'),
          username: z
            .string()
            .min(1)
            .regex(/^[^:]*$/, 'must not contain a colon')
            .describe('HTTP basic user'),
          password: secret().describe('HTTP basic password'),
        }),
      )
      .default([])
      .describe('Logins of image servers'),
    max_redirects: z
      .int()
      .min(0)
      .max(50)
      .default(10)
      .describe(
        'Redirects that an image or checksum URL may lead through; each is judged like the URL itself',
      ),
    http_proxy: secret()
      .nullable()
      .default(null)
      .describe('Proxy for http:// images and Glance; null: the environment’s http_proxy'),
    https_proxy: secret()
      .nullable()
      .default(null)
      .describe('Proxy for https:// images and Glance; null: the environment’s https_proxy'),
    no_proxy: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Hosts, domains, addresses and CIDRs reached without a proxy; null: the environment’s no_proxy',
      ),
    ca_file: z
      .string()
      .startsWith('/')
      .nullable()
      .default(null)
      .describe(
        'PEM file of certificate authorities that image servers and Glance may have beside the system’s; Ferric’s agent gets them with the image',
      ),
    connect_timeout: seconds(10).describe('Seconds for name, connection and TLS'),
    idle_timeout: seconds(60).describe('Seconds within which a server must send something'),
    min_rate: z
      .int()
      .min(0)
      .default(1_024)
      .describe('Bytes a second, over idle_timeout, below which it is cut'),
    download_timeout: seconds(14_400).describe('Seconds for one image, attempts and pauses included'),
    download_attempts: z.int().min(1).max(100).default(5).describe('Connections for one image; each resumes'),
    parallel_downloads: z.int().min(1).max(1_000).default(20).describe('Images fetched at once'),
    workers: z.int().min(1).max(64).default(2).describe('Threads that download and hash'),
    cache_size_mib: z.int().min(0).default(20_480).describe('Size the cache is brought back to, in MiB'),
    cache_keep_free_mib: z
      .int()
      .min(0)
      .default(512)
      .describe('Room on the disk that the cache leaves free, for the database and logs, in MiB'),
    cache_ttl_minutes: z.int().min(0).default(10_080).describe('Minutes an unused image stays in the cache'),
    cache_clean_up_interval: z.int().min(1).default(3_600).describe('Seconds between clean-ups'),
    convert_memory_mib: z.int().min(256).default(2_048).describe('Address space of qemu-img, in MiB'),
    convert_timeout: z
      .int()
      .min(1)
      .default(3_600)
      .describe('Seconds, on the wall and of CPU, for one conversion'),
    glance: glance.describe('The Image service (Glance)'),
  })
  .prefault({});

export type ImageSection = z.output<typeof imageSection>;

import type { GlobalOptions, Shell } from '../shell.js';
import { ApiClient } from './api-client.js';
import { login } from './login.js';

/** An image record of the Image API v2: https://docs.openstack.org/api-ref/image/v2/ */
export interface ImageRecord {
  id: string;
  name: string | null;
  status: string;
  disk_format: string | null;
  container_format: string | null;
  size: number | null;
  checksum: string | null;
  os_hash_algo?: string | null;
  os_hash_value?: string | null;
}

interface NewImage {
  name: string;
  disk_format: string;
  container_format: string;
  /** Absent: the service's default. */
  visibility?: string;
  [property: string]: string | undefined;
}

export interface ImageApi {
  list(): Promise<ImageRecord[]>;
  show(id: string): Promise<ImageRecord>;
  create(image: NewImage): Promise<ImageRecord>;
  upload(id: string, file: string, sent?: (bytes: number) => void): Promise<{ md5: string }>;
  remove(id: string): Promise<void>;
}

/** Client of the daemon's Image service, or of another one, by endpoint and login. */
export function imageApi(options: GlobalOptions, shell: Shell): ImageApi {
  let made: Promise<ApiClient> | undefined;
  const client = () => (made ??= login(options, shell).then((who) => new ApiClient(who, shell)));
  return {
    async list() {
      const images: ImageRecord[] = [];
      let next: string | undefined = '/v2/images?limit=200';
      while (next !== undefined) {
        const page: { images: ImageRecord[]; next?: string } = await (await client()).json('GET', next);
        images.push(...page.images);
        next = page.next;
      }
      return images;
    },
    show: async (id) => (await client()).json('GET', `/v2/images/${encodeURIComponent(id)}`),
    create: async (image) => (await client()).json('POST', '/v2/images', image),
    upload: async (id, file, sent) => (await client()).upload(`/v2/images/${id}/file`, file, sent),
    remove: async (id) => (await client()).json('DELETE', `/v2/images/${id}`),
  };
}

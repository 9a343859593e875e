// The Image service, version 2. https://docs.openstack.org/api-ref/image/v2/
import { z } from 'zod';
import { FerricError, InvalidError, NotFoundError } from '../../domain/errors.js';
import {
  type Credential,
  HttpClient,
  type HttpClientSettings,
  HttpFailure,
} from '../../platform/http-client.js';

export interface GlanceSettings {
  /** Without /v2 and without a slash at the end. */
  url: string;
  auth:
    | { kind: 'none' }
    | { kind: 'http_basic'; username: string; password: string }
    | { kind: 'token'; token: string };
}

const imageBody = z.object({
  id: z.string(),
  status: z.string(),
  size: z.number().nullish(),
  checksum: z.string().nullish(),
  os_hash_algo: z.string().nullish(),
  os_hash_value: z.string().nullish(),
  disk_format: z.string().nullish(),
  img_type: z.string().nullish(),
  kernel_id: z.string().nullish(),
  ramdisk_id: z.string().nullish(),
  boot_iso_id: z.string().nullish(),
  visibility: z.string().nullish(),
  owner: z.string().nullish(),
});
type ImageBody = z.output<typeof imageBody>;
const memberBody = z.object({ image_id: z.string(), member_id: z.string() });

export interface GlanceSight {
  visible: boolean;
  /** Property → reference of another image. */
  parts: Readonly<Record<string, string | null | undefined>>;
}

export interface GlanceImage {
  id: string;
  /** Bytes. */
  size: number;
  diskFormat: string | undefined;
  /** As computed by the service at upload. */
  hash: { algorithm: string | undefined; value: string } | undefined;
  img_type?: string;
  kernel_id?: string;
  ramdisk_id?: string;
  boot_iso_id?: string;
}

/** An image's document is small; a larger answer is not an Image service's. */
const MAX_DOCUMENT = 1 << 20;

export class GlanceClient {
  private readonly base: string;
  /** Used for transfers, too. It may reach the configured service, and its credentials are sent there only. */
  readonly clientSettings: HttpClientSettings;
  private readonly client: HttpClient;

  constructor(
    settings: GlanceSettings,
    outbound: Pick<HttpClientSettings, 'connectTimeout' | 'idleTimeout' | 'proxy' | 'authorities'>,
  ) {
    this.base = settings.url.replace(/\/+$/, '');
    const credentials = credentialsOf(settings);
    this.clientSettings = { ...outbound, credentials, maxRedirects: 0 };
    this.client = new HttpClient(this.clientSettings);
  }

  /**
   * An image that is usable now.
   * @throws NotFoundError; FerricError image-unavailable when the service is away or refuses the login, or the image is
   *   not active
   */
  async show(id: string, signal: AbortSignal): Promise<GlanceImage> {
    const image = await this.document(id, signal);
    if (image.status !== 'active')
      throw new FerricError('image-unavailable', `Image ${id} is not active but ${image.status}.`);
    if (image.size === null || image.size === undefined)
      throw new FerricError('image-unavailable', `Image ${id} has no size.`);
    const value = image.os_hash_value ?? image.checksum;
    const algorithm = image.os_hash_value ? (image.os_hash_algo ?? undefined) : undefined;
    return {
      id,
      size: image.size,
      diskFormat: image.disk_format ?? undefined,
      hash: value ? { algorithm, value } : undefined,
      ...(image.img_type ? { img_type: image.img_type } : {}),
      ...(image.kernel_id ? { kernel_id: image.kernel_id } : {}),
      ...(image.ramdisk_id ? { ramdisk_id: image.ramdisk_id } : {}),
      ...(image.boot_iso_id ? { boot_iso_id: image.boot_iso_id } : {}),
    };
  }

  /**
   * Whether a project may see an image, by Glance's rule (glance.api.v2.policy, `get_image`): public and community
   * images, its own, and shared ones that it is a member of. What Ferric's own login is not told counts as hidden.
   * @param project null: a requester without one
   * @returns null for an image that Ferric's login does not see
   * @throws FerricError image-unavailable when the service is away or refuses the login
   */
  async sightOf(id: string, project: string | null, signal: AbortSignal): Promise<GlanceSight | null> {
    let image: ImageBody;
    try {
      image = await this.document(id, signal);
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
    const { visibility, owner, kernel_id, ramdisk_id, boot_iso_id } = image;
    const open = visibility === 'public' || visibility === 'community';
    const own = project !== null && owner === project;
    const visible =
      open ||
      own ||
      (visibility === 'shared' && project !== null && (await this.isMember(id, project, signal)));
    return { visible, parts: { kernel_id, ramdisk_id, boot_iso_id } };
  }

  /** A member sees the image whatever its status; accepting only lists it. */
  private async isMember(id: string, project: string, signal: AbortSignal): Promise<boolean> {
    const url = `${this.base}/v2/images/${id}/members/${encodeURIComponent(project)}`;
    const { status, text } = await this.client.document({ url, signal, maxBytes: MAX_DOCUMENT });
    // 403 and 404: no member, or Ferric's login may not know.
    if (status === 403 || status === 404) return false;
    if (status !== 200) throw new HttpFailure('status', url, `answered with status ${status}`);
    const member = parse(memberBody, text, url, 'a member');
    return member.image_id === id && member.member_id === project;
  }

  private async document(id: string, signal: AbortSignal): Promise<ImageBody> {
    const url = `${this.base}/v2/images/${id}`;
    const { status, text } = await this.client.document({ url, signal, maxBytes: MAX_DOCUMENT });
    if (status === 404) throw new NotFoundError(`Image ${id} could not be found.`);
    if (status === 401 || status === 403)
      throw new FerricError(
        'image-unavailable',
        `The Image service refuses Ferric's login (status ${status}).`,
      );
    if (status !== 200) throw new HttpFailure('status', url, `answered with status ${status}`);
    const image = parse(imageBody, text, url, 'an image');
    if (image.id !== id) throw new HttpFailure('status', url, 'answered with another image');
    return image;
  }

  fileUrl(id: string): string {
    return `${this.base}/v2/images/${id}/file`;
  }

  close(): void {
    this.client.close();
  }
}

/** @throws InvalidError where no Image service is configured */
export function configured<Service>(service: Service | undefined): Service {
  if (!service)
    throw new InvalidError(
      'Image UUIDs need an Image service, and none is configured (image.glance.url, image_service.enabled).',
    );
  return service;
}

function parse<Body extends z.ZodType>(body: Body, text: string, url: string, what: string): z.output<Body> {
  try {
    return body.parse(JSON.parse(text));
  } catch (error) {
    throw new HttpFailure('status', url, `did not answer with ${what} document`, { cause: error });
  }
}

function credentialsOf(settings: GlanceSettings): Credential[] {
  const { origin } = new URL(settings.url);
  switch (settings.auth.kind) {
    case 'none':
      return [];
    case 'http_basic': {
      const { username, password } = settings.auth;
      return [{ origin, header: 'Authorization', value: basic(username, password) }];
    }
    case 'token':
      return [{ origin, header: 'X-Auth-Token', value: settings.auth.token }];
  }
}

export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

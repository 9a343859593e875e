import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect } from 'vitest';
import { type ImageServer, type ServedImage, startImageServer } from './image-server.js';
import { type ImageBed, imageBed, noise, sha256 } from './image-service.js';

export const MiB = 1 << 20;
export const OLD = 'Sun, 06 Nov 1994 08:49:37 GMT';
export const NEW = 'Thu, 19 Nov 2026 08:49:37 GMT';
export const BODY = noise(4 * MiB + 77);

/** An image service and the server from which it fetches `/disk.img`; both are new for each test. */
class HttpImages {
  server!: ImageServer;
  images!: ImageBed;

  async start(): Promise<void> {
    this.server = await startImageServer();
    this.images = await imageBed();
    this.server.images.set('/disk.img', { body: BODY, lastModified: OLD, etag: '"one"' });
  }

  async stop(): Promise<void> {
    await this.images.close();
    await this.server.close();
  }

  /** Replaces the image service. @param section settings that differ */
  async restart(section: object): Promise<void> {
    await this.images.close();
    this.images = await imageBed(section);
  }

  readonly url = () => `${this.server.url}/disk.img`;

  readonly image = (): ServedImage => this.server.images.get('/disk.img')!;

  readonly fetchTo = (options: object = {}, target = this.images.target()) =>
    this.images.service.fetchTo(this.url(), target, { checksum: sha256(BODY), ...options });

  /** How many GET requests the server has had. */
  readonly gets = () => this.server.count('GET');

  /** Nothing unverified stays: no master, no part, no target. */
  async expectNothingLeft(): Promise<void> {
    expect(await this.images.masters()).toEqual([]);
    expect(await readdir(`${this.images.directory}/out`).catch(() => [])).toEqual([]);
  }
}

export function useHttpImages(): HttpImages {
  const bed = new HttpImages();
  beforeEach(() => bed.start());
  afterEach(() => bed.stop());
  return bed;
}

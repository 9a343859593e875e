import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FerricError, InvalidError } from '../../src/domain/errors.js';
import { FirmwareFiles } from '../../src/driver/redfish/firmware/image-file.js';
import { checkPublication, type Publication } from '../../src/persistence/published-file/publication.js';

/** Images at URLs, and a boot HTTP server with what is published, in memory. */
export class FirmwareShelf implements AsyncDisposable {
  readonly files: FirmwareFiles;
  /** Names under which something was published, in order. */
  readonly names: string[] = [];
  /** Requests for published names. */
  readonly fetches: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'firmware-shelf-'));
  readonly #images = new Map<string, Buffer>();
  #published: { name: string; path: string; bytes: number } | undefined;
  readonly #server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    this.fetches.push(name);
    const image = this.#images.get(name);
    if (image) {
      response.end(image);
      return;
    }
    const entry = this.#published;
    if (entry?.name !== name) {
      response.writeHead(404).end();
      return;
    }
    readFile(entry.path).then(
      (bytes) => {
        entry.bytes += bytes.length;
        response.end(bytes);
      },
      () => response.destroy(),
    );
  });

  private constructor() {
    this.files = new FirmwareFiles({
      images: {
        validateReference: (reference, field) => {
          if (!/^(https?|file):/.test(String(reference))) throw new InvalidError(`${field}: not a URL`);
        },
        fetchTo: async (reference, target, { checksum }) => {
          const bytes = this.#images.get(new URL(reference).pathname.slice(1));
          if (!bytes) throw new FerricError('image-unavailable', `${reference} is not there`);
          const digest = checksum && createHash(checksum.algo).update(bytes).digest('hex');
          if (checksum && digest !== checksum.value) {
            throw new FerricError('image-refused', `The checksum of ${reference} does not match.`);
          }
          await mkdir(dirname(target), { recursive: true });
          await writeFile(target, bytes);
          return { path: target, size: bytes.length };
        },
      },
      published: {
        publish: async (publication: Publication) => {
          checkPublication(publication);
          const [file] = publication.files;
          if (file?.content.kind !== 'file') throw new Error('not a file');
          this.names.push(file.name);
          this.#published = { name: file.name, path: file.content.path, bytes: 0 };
        },
        withdraw: async () => {
          this.#published = undefined;
        },
        fetchedOf: async () => this.#published?.bytes ?? null,
      },
      host: 'here',
      root: this.folder,
      url: () => this.url,
      addresses: async () => ['127.0.0.1'],
    });
  }

  static async up(): Promise<FirmwareShelf> {
    const shelf = new FirmwareShelf();
    await new Promise<void>((resolve) => shelf.#server.listen(0, '127.0.0.1', resolve));
    return shelf;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether anything is published now. */
  get isPublished(): boolean {
    return this.#published !== undefined;
  }

  /** @returns the image's URL */
  put(name: string, bytes: Buffer): string {
    this.#images.set(name, bytes);
    return `${this.url}/${name}`;
  }

  async [Symbol.asyncDispose]() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.folder, { recursive: true, force: true });
  }
}

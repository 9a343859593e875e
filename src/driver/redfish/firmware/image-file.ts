import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  type Publication,
  type Publisher,
  unguessable,
} from '../../../persistence/published-file/publication.js';
import type { UpdateFrame } from '../../../protocol/redfish/update.js';
import type { DriverContext, DriverNode, ReadContext } from '../../contract/context.js';
import { publishedBase } from '../published-base.js';
import type { Upload } from '../transport.js';
import { type FirmwareUpdate, fileNameOf, type ReferenceRules } from './arguments.js';

/** The part of the image service that this room uses. */
export interface FirmwareStore extends ReferenceRules {
  /** Puts a file at `target`, verified. @throws FerricError image-refused, image-unavailable */
  fetchTo(
    reference: string,
    target: string,
    options: {
      opaque: true;
      checksum?: { algo: string; value: string };
      signal: AbortSignal;
      waiter?: string;
    },
  ): Promise<{ path: string; size: number }>;
}

export interface FirmwarePublisher {
  publish(publication: Publication): Promise<void>;
  withdraw(node_uuid: string, publisher: Publisher): Promise<void>;
  /** Bytes that were fetched; null: nothing is published. */
  fetchedOf(node_uuid: string, publisher: Publisher): Promise<number | null>;
}

export interface FirmwareFileParts {
  images: FirmwareStore;
  published: FirmwarePublisher;
  /** Host name of this conductor. */
  host: string;
  /** Directory that the boot HTTP server serves. */
  root: string;
  /** Its base URL, as BMCs see it; read when it is needed. */
  url: () => string;
  /** Addresses from which the BMC downloads. @throws InvalidError */
  addresses(context: ReadContext): Promise<readonly string[]>;
}

/** An image on this conductor. */
export interface FirmwareFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly name: string;
}

/** ms that publishing may take once the file is there. */
const PUBLISH = 10_000;

/** Firmware images on this conductor: fetched, judged, and published for one request of one BMC. */
export class FirmwareFiles {
  constructor(private readonly parts: FirmwareFileParts) {}

  get rules(): ReferenceRules {
    return this.parts.images;
  }

  /** @throws FerricError image-refused for a wrong checksum, image-unavailable */
  async fetch(context: DriverContext, update: FirmwareUpdate, at: number): Promise<FirmwareFile> {
    const { checksum } = update;
    const name = fileNameOf(update.url);
    const { path, size } = await context.untimed(() =>
      this.parts.images.fetchTo(update.url, join(this.folder(context.node), `${at}`), {
        opaque: true,
        ...(checksum === null ? {} : { checksum: { algo: checksum.algorithm, value: checksum.value } }),
        signal: context.signal,
        waiter: `node ${context.node.uuid}`,
      }),
    );
    return { path, size, name };
  }

  /** Publishes a file for the BMC alone; what was published before has no name any more. @returns its URL */
  async publish(context: DriverContext, file: FirmwareFile): Promise<string> {
    const { published, host, addresses } = this.parts;
    // The file keeps its name: some services tell images by its ending.
    const name = `${unguessable()}/${file.name}`;
    const readers = { machine: false, addresses: await addresses(context) };
    await context.fence(PUBLISH);
    await published.publish({
      node_uuid: context.node.uuid,
      publisher: 'firmware',
      life: 'operation',
      conductor: host,
      readers,
      files: [{ service: 'http', name, content: { kind: 'file', path: file.path } }],
    });
    return `${publishedBase(context.node, this.parts.url)}/${name}`;
  }

  /** Whether anything of the published file was fetched. */
  async isFetched({ node }: ReadContext): Promise<boolean> {
    return ((await this.parts.published.fetchedOf(node.uuid, 'firmware')) ?? 0) > 0;
  }

  /** Ends what is published, and removes the files. */
  async remove({ node }: ReadContext): Promise<void> {
    await this.parts.published.withdraw(node.uuid, 'firmware');
    await rm(this.folder(node), { recursive: true, force: true });
  }

  private folder(node: DriverNode): string {
    return join(this.parts.root, node.uuid, 'firmware');
  }
}

/** The body of a request that carries an image. */
export function uploadOf({ head, tail, type }: UpdateFrame, file: FirmwareFile): Upload {
  async function* content(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* createReadStream(file.path);
    yield tail;
  }
  return { type, size: head.length + file.size + tail.length, open: () => Readable.from(content()) };
}

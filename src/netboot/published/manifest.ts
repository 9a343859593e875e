import { setTimeout as sleep } from 'node:timers/promises';
import { BOOT_SCRIPT } from '../../config/section/netboot.js';
import { canonicalAddress } from '../../domain/agent/callback-url.js';
import { isDatabaseAway } from '../../domain/errors.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { BootService, Segment } from '../../persistence/published-file/publication.js';
import type { PublishedFileRepository } from '../../persistence/published-file/published-file.repository.js';
import { Semaphore } from '../../platform/mutex.js';
import { GRUB_ROOT, grubBootConfig } from '../../protocol/ipxe/script.js';
import { BOOT_IPXE } from './boot-script.js';

/** The content behind a name. */
export type Published = {
  /** Whose file it is; null: that of all machines. */
  node: string | null;
} & (
  | {
      kind: 'file';
      path: string;
      /** Directories, one of which must contain the file, as for `openPublished`. */
      roots: readonly string[] | null;
      readers: Readers;
    }
  | {
      kind: 'generated';
      segments: readonly Segment[];
      /** The same, for the segments that are parts of files. */
      roots: readonly string[];
      /** Bytes. */
      size: number;
      /** Milliseconds since the epoch. */
      modified: number;
      readers: Readers;
    }
  | { kind: 'text'; text: string; readers: Readers }
);

/** Who may read it; null: every machine. */
export type Readers = null | {
  /** The node whose machine may; null: none. */
  machine: string | null;
  /** Further addresses that may, in canonical form. */
  addresses: readonly string[];
};

/** Finds what a name stands for, or null. Names are compared as a whole and never become part of a path. */
export type Route = (service: BootService, name: string) => Promise<Published | null> | Published | null;

/** ms for which a lookup is retried while the database is away: shorter than firmware waits for an answer. */
const DATABASE_WAIT = 6_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/**
 * Lookups at once, each a few database queries: all other work shares the database. Clients that hung up or asked for
 * something else have given their connection or transfer back, so that those do not limit lookups.
 */
const LOOKUPS = 8;

/** Everything that TFTP and HTTP serve: an ordered list of routes. The first route that knows the name answers. */
export class Manifest {
  readonly #lookups = new Semaphore(LOOKUPS);

  constructor(
    private readonly routes: readonly Route[],
    private readonly sources: Pick<SourceRule, 'admits' | 'speaksFor'>,
  ) {}

  /**
   * While the database is away the lookup is retried for seconds: firmware that gets an error boots from its disk.
   * @param name exact, no leading slash
   * @param client address of the client: a node's files are for its own machine, all others for every one
   * @param isWanted asked when the lookup's turn has come: false ends it with null
   * @throws DatabaseAwayError when the retries are used up
   */
  async find(
    service: BootService,
    name: string,
    client: string,
    isWanted: () => boolean = () => true,
  ): Promise<Published | null> {
    const end = performance.now() + DATABASE_WAIT;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await this.#lookups.run(null, async () =>
          isWanted() ? this.#find(service, name, client) : null,
        );
      } catch (error) {
        if (!isDatabaseAway(error) || performance.now() + pause > end) throw error;
        await sleep(pause);
      }
    }
  }

  async #find(service: BootService, name: string, client: string): Promise<Published | null> {
    for (const route of this.routes) {
      const found = await route(service, name);
      if (found) return (await this.#mayHave(found, client)) ? found : null;
    }
    return null;
  }

  async #mayHave({ readers }: Published, client: string): Promise<boolean> {
    if (readers === null) return this.sources.admits(client);
    const address = canonicalAddress(client);
    if (address !== null && readers.addresses.includes(address)) return true;
    return readers.machine !== null && this.sources.speaksFor(readers.machine, client);
  }
}

/** The operator's own files, such as boot loaders, by name. */
export function configuredFiles(files: Readonly<Record<string, string>>): Route {
  const rows = new Map(Object.entries(files));
  return (_service, name) => {
    const path = rows.get(name);
    return path === undefined ? null : { node: null, kind: 'file', path, roots: null, readers: null };
  };
}

/** The first script of iPXE, and GRUB's fixed `grub.cfg`. */
const SCRIPTS: Record<BootService, ReadonlyMap<string, string>> = {
  tftp: new Map([
    [BOOT_SCRIPT, BOOT_IPXE],
    ['grub/grub.cfg', grubBootConfig()],
  ]),
  http: new Map([
    [BOOT_SCRIPT, BOOT_IPXE],
    ['grub/grub.cfg', grubBootConfig(GRUB_ROOT)],
  ]),
};

/** The first scripts of boot loaders, the same for every machine. */
export const bootScript: Route = (service, name) => {
  const text = SCRIPTS[service].get(name);
  return text === undefined ? null : { node: null, kind: 'text', text, readers: null };
};

/**
 * The files that drivers publish.
 * @param roots directories of these files: a path outside is not served, whatever its row says
 */
export function publishedFiles(
  files: Pick<PublishedFileRepository, 'find'>,
  roots: readonly string[],
): Route {
  return async (service, name) => {
    // Published names have at most 255 such characters: anything else is not worth a query.
    if (!/^[\x21-\x7e]{1,255}$/.test(name)) return null;
    const found = await files.find(service, name);
    if (!found) return null;
    const { node_uuid, for_machine, for_addresses } = found;
    const readers = { machine: for_machine ? node_uuid : null, addresses: for_addresses };
    const node = node_uuid;
    if (found.kind === 'file') return { node, kind: 'file', path: found.path, roots, readers };
    const { segments, size, created_at } = found;
    return { node, kind: 'generated', segments, roots, size, modified: created_at.getTime(), readers };
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { BOOT_SCRIPT } from '../../config/section/netboot.js';
import { canonicalAddress } from '../../domain/agent/callback-url.js';
import { isDatabaseAway } from '../../domain/errors.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { BootService, Segment } from '../../persistence/published-file/publication.js';
import type { PublishedFileRepository } from '../../persistence/published-file/published-file.repository.js';
import { GRUB_ROOT, grubBootConfig } from '../../protocol/ipxe/script.js';
import { BOOT_IPXE } from './boot-script.js';

/** What stands behind a name. */
export type Published =
  | {
      kind: 'file';
      path: string;
      /** Directories of which one has it, as `openPublished` takes them. */
      roots: readonly string[] | null;
      readers: Readers;
    }
  | {
      kind: 'generated';
      segments: readonly Segment[];
      /** As a file's, of the segments that are parts of files. */
      roots: readonly string[];
      /** Bytes. */
      size: number;
      /** Milliseconds since the epoch. */
      modified: number;
      readers: Readers;
    }
  | { kind: 'text'; text: string; readers: Readers };

/** Who may read it; null: every machine. */
export type Readers = null | {
  /** The node whose machine may; null: no machine. */
  machine: string | null;
  /** Addresses that may besides, in their canonical spelling. */
  addresses: readonly string[];
};

/** Names this is mine, or passes. A name is compared as a whole: it never becomes part of a path. */
export type Route = (service: BootService, name: string) => Promise<Published | null> | Published | null;

/** ms that a look may take while the database is away: shorter than firmware waits for an answer. */
const DATABASE_WAIT = 6_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;

/** Everything that TFTP and HTTP serve: an ordered list of routes, the first that knows the name answers. */
export class Manifest {
  constructor(
    private readonly routes: readonly Route[],
    private readonly sources: Pick<SourceRule, 'admits' | 'speaksFor'>,
  ) {}

  /**
   * Looked for again for a few seconds while the database is away: firmware that is told of a failure goes on to its disk.
   * @param name exact, no leading slash
   * @param client address that asks: a node's files are there for its own machine, the others for every machine
   * @throws DatabaseAwayError only then
   */
  async find(service: BootService, name: string, client: string): Promise<Published | null> {
    const end = performance.now() + DATABASE_WAIT;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await this.#find(service, name, client);
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

/** The operator's own files: boot loaders by name. */
export function configuredFiles(files: Readonly<Record<string, string>>): Route {
  const rows = new Map(Object.entries(files));
  return (_service, name) => {
    const path = rows.get(name);
    return path === undefined ? null : { kind: 'file', path, roots: null, readers: null };
  };
}

/** What iPXE begins with, and GRUB, which asks for this one name. */
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

/** The scripts that boot loaders begin with, the same for every machine. */
export const bootScript: Route = (service, name) => {
  const text = SCRIPTS[service].get(name);
  return text === undefined ? null : { kind: 'text', text, readers: null };
};

/**
 * What the drivers publish.
 * @param roots where their files are: a path elsewhere is not served, whatever a row says
 */
export function publishedFiles(
  files: Pick<PublishedFileRepository, 'find'>,
  roots: readonly string[],
): Route {
  return async (service, name) => {
    // Names are at most so long: anything else is not worth a query.
    if (!/^[\x21-\x7e]{1,255}$/.test(name)) return null;
    const found = await files.find(service, name);
    if (!found) return null;
    const { node_uuid, for_machine, for_addresses } = found;
    const readers = { machine: for_machine ? node_uuid : null, addresses: for_addresses };
    if (found.kind === 'file') return { kind: 'file', path: found.path, roots, readers };
    const { segments, size, created_at } = found;
    return { kind: 'generated', segments, roots, size, modified: created_at.getTime(), readers };
  };
}

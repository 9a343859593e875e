import { setTimeout as sleep } from 'node:timers/promises';
import { BOOT_SCRIPT } from '../../config/section/netboot.js';
import { isDatabaseAway } from '../../domain/errors.js';
import type { BootPlanRepository, BootService } from '../../persistence/boot-plan/boot-plan.repository.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import { GRUB_ROOT, grubBootConfig } from '../../protocol/ipxe/script.js';
import { BOOT_IPXE } from './boot-script.js';

/** What stands behind a name. */
export type Published =
  | {
      kind: 'file';
      path: string;
      /** Whether the path may be a symbolic link. */
      links: boolean;
      /** The node that it is for; null: for everybody. */
      node_uuid: string | null;
    }
  | { kind: 'text'; text: string; node_uuid: null };

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

  #mayHave({ node_uuid }: Published, client: string): Promise<boolean> {
    return node_uuid === null ? this.sources.admits(client) : this.sources.speaksFor(node_uuid, client);
  }
}

/** The operator's own files: boot loaders by name. */
export function configuredFiles(files: Readonly<Record<string, string>>): Route {
  const rows = new Map(Object.entries(files));
  return (_service, name) => {
    const path = rows.get(name);
    return path === undefined ? null : { kind: 'file', path, links: true, node_uuid: null };
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
  return text === undefined ? null : { kind: 'text', text, node_uuid: null };
};

/** What the boot plans publish. */
export function bootPlanFiles(plans: Pick<BootPlanRepository, 'file'>): Route {
  return async (service, name) => {
    // Names are at most so long: anything else is not worth a query.
    if (!/^[\x21-\x7e]{1,255}$/.test(name)) return null;
    const file = await plans.file(service, name);
    return file && { kind: 'file', path: file.path, links: false, node_uuid: file.node_uuid };
  };
}

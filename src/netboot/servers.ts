import { access, constants } from 'node:fs/promises';
import type { NetbootSection } from '../config/section/netboot.js';
import type { BootPlanRepository } from '../persistence/boot-plan/boot-plan.repository.js';
import type { Sightings } from '../persistence/boot-sighting/sightings.js';
import type { LeaseRepository } from '../persistence/lease/lease.repository.js';
import type { SourceRule } from '../persistence/lease/source-rule.js';
import type { PortRepository } from '../persistence/port/port.repository.js';
import type { PublishedFileRepository } from '../persistence/published-file/published-file.repository.js';
import { HeldPorts } from '../platform/held-ports.js';
import type { Logger } from '../platform/logger.js';
import { portBook } from './dhcp/port-book.js';
import { DhcpServer } from './dhcp/server.js';
import { HttpBootServer } from './http/server.js';
import { FetchNotes } from './published/fetch-notes.js';
import { fileSightings } from './published/file-sightings.js';
import { bootScript, configuredFiles, Manifest, publishedFiles } from './published/manifest.js';
import { checkOpening } from './published/open-file.js';
import { TftpServer } from './tftp/server.js';

export interface NetbootMemory {
  ports: Pick<PortRepository, 'find' | 'pages'>;
  plans: Pick<BootPlanRepository, 'kindOf'>;
  published: Pick<PublishedFileRepository, 'find' | 'noteFetched'>;
  leases: LeaseRepository;
  sources: Pick<SourceRule, 'admits' | 'speaksFor' | 'machineAt'>;
  sightings: Pick<Sightings, 'note'>;
}

/** The DHCP, TFTP and HTTP servers for network boot. */
export class NetbootServers {
  readonly dhcp: DhcpServer;
  readonly tftp: TftpServer;
  readonly http: HttpBootServer;

  /** @param roots directories of the published files */
  constructor(
    private readonly section: NetbootSection,
    roots: readonly string[],
    memory: NetbootMemory,
    private readonly log: Logger,
  ) {
    const routes = [bootScript, publishedFiles(memory.published, roots), configuredFiles(section.files)];
    const manifest = new Manifest(routes, memory.sources);
    const onFetched = fileSightings(memory.sightings, memory.sources, log);
    this.tftp = new TftpServer(section.tftp, manifest, log, onFetched);
    const notes = new FetchNotes(memory.published, log);
    this.http = new HttpBootServer(section, manifest, log, undefined, notes, onFetched);
    this.dhcp = new DhcpServer(section, { ...memory, ports: portBook(memory.ports) }, log);
  }

  /** DHCP starts last, when its boot servers are up. @throws whatever keeps a server from starting */
  async start(ports = new HeldPorts()): Promise<void> {
    await checkOpening();
    try {
      await this.http.start(ports);
      await this.tftp.start(ports);
      await this.dhcp.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.section.dhcp.interface !== null && this.section.tftp.listen === null) {
      this.log.warn(
        'DHCP is on and TFTP off: machines that do not speak iPXE or HTTP boot find no first boot file',
      );
    }
    const missing = await this.#missingFiles();
    if (missing.length > 0) {
      this.log.info({ missing }, 'netboot.files: these are not on this machine and are not served');
    }
  }

  /** @param hurry aborts running transfers at once */
  async stop(hurry?: AbortSignal): Promise<void> {
    await this.dhcp.stop();
    const grace = this.section.http.stop_grace * 1000;
    await Promise.all([this.tftp.stop(grace, hurry), this.http.stop(hurry)]);
  }

  /** For each enabled server: why it does not serve now; null: it does. */
  looks(): [name: string, look: () => string | null][] {
    const { dhcp, tftp, http } = this.section;
    const servers = [
      { name: 'dhcp', on: dhcp.interface !== null, serves: () => this.dhcp.serves },
      { name: 'tftp', on: tftp.listen !== null, serves: () => this.tftp.port !== null },
      { name: 'boot_http', on: http.listen !== null, serves: () => this.http.port !== null },
    ];
    return servers
      .filter(({ on }) => on)
      .map(({ name, serves }) => [name, () => (serves() ? null : 'it does not listen')]);
  }

  /** One line for each server: on or off, and its address. */
  describe(): string[] {
    return [this.dhcp.describe(), this.tftp.describe(), this.http.describe()];
  }

  async #missingFiles(): Promise<string[]> {
    const missing: string[] = [];
    for (const [name, path] of Object.entries(this.section.files)) {
      await access(path, constants.R_OK).catch(() => missing.push(`${name}: ${path}`));
    }
    return missing;
  }
}

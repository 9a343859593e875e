import { messageOf } from '../../domain/errors.js';
import type { Sightings } from '../../persistence/boot-sighting/sightings.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { BootService } from '../../persistence/published-file/publication.js';
import type { Logger } from '../../platform/logger.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import type { Published } from './manifest.js';
import { shownName } from './shown-name.js';

/** What a client fetched. */
export interface FetchedFile {
  readonly service: BootService;
  readonly name: string;
  readonly published: Published;
  /** IP address. */
  readonly client: string;
  readonly bytes: number;
}

/** Hears of each file that was fetched, wholly or in part. */
export type OnFetched = (fetched: FetchedFile) => void | Promise<void>;

/**
 * Records which machine fetched what. A file of all machines, such as a boot loader, is told by the lease of its
 * client; where another server gives the addresses, nobody knows whose client it is, and nothing is recorded.
 */
export function fileSightings(
  sightings: Pick<Sightings, 'note'>,
  sources: Pick<SourceRule, 'machineAt'>,
  log: Logger,
): OnFetched {
  const throttled = new ThrottledLog(log);
  return async ({ service, name, published, client, bytes }) => {
    try {
      const node_uuid = published.node ?? (await sources.machineAt(client));
      if (node_uuid === null) return;
      // Readers of sightings are not those who may fetch the file.
      sightings.note({ node_uuid, kind: service, name: shownName(name), source: client, bytes });
    } catch (error) {
      throttled.warn(
        { error: messageOf(error) },
        'boot files: it is not known which machine fetched one of all machines',
      );
    }
  };
}

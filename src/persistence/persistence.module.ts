import { Global, Module, type Provider } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Keyring } from '../database/sealing.js';
import { messageOf } from '../domain/errors.js';
import { injected } from '../platform/injected.js';
import { LOGGER } from '../platform/logger.module.js';
import { BootSightingRepository } from './boot-sighting/boot-sighting.repository.js';
import { Sightings } from './boot-sighting/sightings.js';
import { EventRepository } from './event/event.repository.js';
import { EventStream } from './event/event-stream.js';
import { REPOSITORIES } from './resources.js';

/** A repository's constructor; it may take fewer parameters. */
type RepositoryClass = new (source: DataSource, keyring: Keyring) => object;

const PARTS = injected({ source: DataSource, keyring: Keyring });
const repositories: RepositoryClass[] = Object.values(REPOSITORIES);
const providers: Provider[] = repositories.map((Repository) =>
  PARTS.provide(Repository, ({ source, keyring }) => new Repository(source, keyring)),
);

const stream = injected({ source: DataSource, events: EventRepository, log: LOGGER }).provide(
  EventStream,
  ({ source, events, log }) =>
    new EventStream(source, events, (error) =>
      log.warn({ error: messageOf(error) }, 'the event stream lost the database; connecting again'),
    ),
);

const sightings = injected({ repository: BootSightingRepository, log: LOGGER }).provide(
  Sightings,
  ({ repository, log }) => new Sightings(repository, log),
);

/** All repositories, global: a new one needs a row in `resources.ts` and nothing else. */
@Global()
@Module({ providers: [...providers, stream, sightings], exports: [...repositories, EventStream, Sightings] })
export class PersistenceModule {}

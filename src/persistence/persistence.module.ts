import { Global, Module, type Provider } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Keyring } from '../database/sealing.js';
import { REPOSITORIES } from './repositories.js';

/** What every repository of the table is made of; one that needs less takes less. */
type RepositoryClass = new (source: DataSource, keyring: Keyring) => object;

const providers: Provider[] = REPOSITORIES.map((Repository: RepositoryClass) => ({
  provide: Repository,
  inject: [DataSource, Keyring],
  useFactory: (source: DataSource, keyring: Keyring): object => new Repository(source, keyring),
}));

/** Every repository, for every room: a new one needs a row in REPOSITORIES and nothing else. */
@Global()
@Module({ providers, exports: [...REPOSITORIES] })
export class PersistenceModule {}

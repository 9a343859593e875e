import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Keyring } from './sealing.js';

@Module({})
class RepositoryModule {}

/** The Nest module of a repository that needs nothing but the database and the keys of its secrets; every room may have it injected. */
export function repositoryModule(
  Repository: new (source: DataSource, keyring: Keyring) => object,
): DynamicModule {
  const provider = {
    provide: Repository,
    inject: [DataSource, Keyring],
    useFactory: (source: DataSource, keyring: Keyring): object => new Repository(source, keyring),
  };
  return { module: RepositoryModule, global: true, providers: [provider], exports: [Repository] };
}

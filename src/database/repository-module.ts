import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';

@Module({})
class RepositoryModule {}

/** The Nest module of a repository that needs nothing but the database. */
export function repositoryModule<T extends object>(Repository: new (source: DataSource) => T): DynamicModule {
  const provider = {
    provide: Repository,
    inject: [DataSource],
    useFactory: (source: DataSource): T => new Repository(source),
  };
  return { module: RepositoryModule, providers: [provider], exports: [Repository] };
}

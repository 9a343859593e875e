import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';

@Module({})
class RepositoryModule {}

/** The Nest module of a repository that needs nothing but the database; every room may have it injected. */
export function repositoryModule(Repository: new (source: DataSource) => object): DynamicModule {
  const provider = {
    provide: Repository,
    inject: [DataSource],
    useFactory: (source: DataSource): object => new Repository(source),
  };
  return { module: RepositoryModule, global: true, providers: [provider], exports: [Repository] };
}

import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Keyring } from '../database/sealing.js';
import { NodeRepository } from './node.repository.js';

/** Nodes: the table, its queries, its secrets. */
@Module({
  providers: [
    {
      provide: NodeRepository,
      inject: [DataSource, Keyring],
      useFactory: (source: DataSource, keyring: Keyring) => new NodeRepository(source, keyring),
    },
  ],
  exports: [NodeRepository],
})
export class NodeModule {}

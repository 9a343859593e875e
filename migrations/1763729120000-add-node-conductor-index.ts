import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose nodes there are is asked at each sign of life of a conductor. */
export class AddNodeConductorIndex1763729120000 implements MigrationInterface {
  name = 'AddNodeConductorIndex1763729120000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index node_conductor_affinity_idx on node (conductor_affinity)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index node_conductor_affinity_idx`);
  }
}

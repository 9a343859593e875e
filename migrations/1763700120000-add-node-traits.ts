import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A node's traits, beside it: a listing shows them without another query. */
export class AddNodeTraits1763700120000 implements MigrationInterface {
  name = 'AddNodeTraits1763700120000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table node add column traits jsonb not null default '[]'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table node drop column traits`);
  }
}

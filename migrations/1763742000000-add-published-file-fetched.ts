import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How much of a published file was fetched: a BMC may say that it inserted a disc which it never read. */
export class AddPublishedFileFetched1763742000000 implements MigrationInterface {
  name = 'AddPublishedFileFetched1763742000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table published_file add column fetched_bytes bigint not null default 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table published_file drop column fetched_bytes`);
  }
}

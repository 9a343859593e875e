import type { MigrationInterface, QueryRunner } from 'typeorm';

/** UUIDs of images that were deleted. */
export class CreateImageDeleted1763726000000 implements MigrationInterface {
  name = 'CreateImageDeleted1763726000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table image_deleted (
        uuid uuid not null,
        deleted_at timestamptz not null default now(),
        constraint image_deleted_pkey primary key (uuid)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table image_deleted`);
  }
}

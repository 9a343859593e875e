import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was seen of a machine on the network while it booted for an operation. */
export class CreateBootSighting1763743000000 implements MigrationInterface {
  name = 'CreateBootSighting1763743000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table boot_sighting (
        operation_id bigint not null,
        kind varchar(16) not null,
        name text not null,
        source varchar(64) not null,
        first_at timestamptz not null,
        last_at timestamptz not null,
        count integer not null,
        bytes bigint not null,
        constraint boot_sighting_pkey primary key (operation_id, kind, name),
        constraint boot_sighting_operation_id_fkey foreign key (operation_id)
          references operation (id) on delete cascade
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table boot_sighting`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What ramdisks report in inspection, until it is read. */
export class CreateInspectionReport1763724000000 implements MigrationInterface {
  name = 'CreateInspectionReport1763724000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table inspection_report (
        node_uuid uuid not null,
        report_sealed text not null,
        created_at timestamptz not null default now(),
        constraint inspection_report_pkey primary key (node_uuid),
        constraint inspection_report_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table inspection_report`);
  }
}

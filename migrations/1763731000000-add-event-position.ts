import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where an event stands among the commits, whose order its id does not tell: the transaction that wrote it, and the
 * oldest one that was under way then. Events of before are before everything.
 */
export class AddEventPosition1763731000000 implements MigrationInterface {
  name = 'AddEventPosition1763731000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table event
        add column written_by bigint not null default 0,
        add column horizon bigint not null default 0`);
    await runner.query(`
      alter table event
        alter column written_by set default ((pg_current_xact_id())::text)::bigint,
        alter column horizon set default ((pg_snapshot_xmin(pg_current_snapshot()))::text)::bigint`);
    await runner.query(`create index event_written_by_idx on event (written_by, id)`);
    // What is finished is looked for by its node when it is purged, and when the node goes.
    await runner.query(`create index operation_node_uuid_idx on operation (node_uuid, id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index operation_node_uuid_idx`);
    await runner.query(`alter table event drop column written_by, drop column horizon`);
  }
}

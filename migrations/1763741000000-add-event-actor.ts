import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Events of every change, with who asked: what changed, by which door it came, from which address. An operation keeps
 * who asked for it. A change may be of no node: an allocation that has none yet.
 */
export class AddEventActor1763741000000 implements MigrationInterface {
  name = 'AddEventActor1763741000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table event
        add column kind varchar(40) not null default 'node.note',
        add column resource varchar(255),
        add column via varchar(10),
        add column source varchar(64),
        alter column node_uuid drop not null`);
    await runner.query(`
      update event set kind = case event_type when 'provision' then 'node.provision' when 'power' then 'node.power' else kind end`);
    await runner.query(`alter table operation add column actor jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table operation drop column actor`);
    await runner.query(`delete from event where event_type = 'change'`);
    await runner.query(`
      alter table event drop column kind, drop column resource, drop column via, drop column source,
        alter column node_uuid set not null`);
  }
}

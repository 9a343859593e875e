import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A node in maintenance: the clocks of what waits on it stand still, and go on when it ends. Here rather than in each
 * statement that writes `node.maintenance`, of which there are several, so that none is forgotten.
 */
export class AddOperationClock1763729060000 implements MigrationInterface {
  name = 'AddOperationClock1763729060000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table operation add column clock_stopped_at timestamptz`);
    await runner.query(`
      create function node_maintenance_clock() returns trigger language plpgsql as $$
      begin
        if new.maintenance then
          update operation set clock_stopped_at = now()
           where node_uuid = new.uuid and finished_at is null and state = 'waiting' and clock_stopped_at is null;
        else
          update operation set deadline = deadline + (now() - clock_stopped_at), clock_stopped_at = null
           where node_uuid = new.uuid and finished_at is null and clock_stopped_at is not null;
        end if;
        return null;
      end $$`);
    await runner.query(`
      create trigger node_maintenance_clock after update of maintenance on node for each row
        when (old.maintenance is distinct from new.maintenance) execute function node_maintenance_clock()`);
    await runner.query(`
      update operation set clock_stopped_at = now() from node
       where node.uuid = operation.node_uuid and node.maintenance and finished_at is null and state = 'waiting'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop trigger node_maintenance_clock on node`);
    await runner.query(`drop function node_maintenance_clock()`);
    await runner.query(`alter table operation drop column clock_stopped_at`);
  }
}

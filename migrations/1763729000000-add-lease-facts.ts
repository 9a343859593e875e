import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a lease was declined, and by whom; a MAC address may hold one lease in each network. */
export class AddLeaseFacts1763729000000 implements MigrationInterface {
  name = 'AddLeaseFacts1763729000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table lease
        add column declined_at timestamptz,
        add column declined_by varchar(17),
        drop constraint lease_mac_key`);
    await runner.query(`create index lease_mac_idx on lease (mac)`);
    await runner.query(`create index lease_declined_by_idx on lease (declined_by)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index lease_declined_by_idx`);
    await runner.query(`drop index lease_mac_idx`);
    await runner.query(`
      delete from lease a using lease b where a.mac = b.mac and (a.expires_at, a.ip) < (b.expires_at, b.ip)`);
    await runner.query(`
      alter table lease
        drop column declined_at,
        drop column declined_by,
        add constraint lease_mac_key unique (mac)`);
  }
}

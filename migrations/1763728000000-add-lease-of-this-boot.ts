import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an address was given since its machine was last started. What is bound counts so: its machine runs. */
export class AddLeaseOfThisBoot1763728000000 implements MigrationInterface {
  name = 'AddLeaseOfThisBoot1763728000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table lease add column of_this_boot boolean not null default false`);
    await runner.query(`update lease set of_this_boot = true where state = 'bound'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table lease drop column of_this_boot`);
  }
}

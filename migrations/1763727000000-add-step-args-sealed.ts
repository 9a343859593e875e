import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Secrets in the arguments of steps; those of work under way stay as they are until their step is written again. */
export class AddStepArgsSealed1763727000000 implements MigrationInterface {
  name = 'AddStepArgsSealed1763727000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table operation_step add column args_sealed bytea`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table operation_step drop column args_sealed`);
  }
}

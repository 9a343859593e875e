import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { Actor } from '../../domain/actor.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { StepOwner, StepState } from '../../domain/step/step.js';

/** Journaled work on one node: the request, the progress, and what it waits for. */
@Entity('operation')
@Unique('operation_uuid_key', ['uuid'])
@Index('operation_open_key', ['node_uuid'], {
  unique: true,
  where: "finished_at is null and kind not in ('power', 'action')",
})
@Index('operation_action_key', ['node_uuid'], {
  unique: true,
  where: "finished_at is null and kind = 'action'",
})
@Index('operation_power_key', ['node_uuid'], {
  unique: true,
  where: "finished_at is null and kind = 'power'",
})
@Index('operation_node_uuid_idx', ['node_uuid', 'id'])
@Index('operation_due_idx', ['conductor', 'poll_at'], { where: 'finished_at is null' })
export class Operation {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'operation_pkey',
  })
  id!: string;
  @Column('uuid') uuid!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'varchar', length: 16 }) kind!: string;
  @Column({ type: 'varchar', length: 16 }) state!: string;
  @Column({ type: 'jsonb', default: {} }) args!: JsonObject;
  @Column({ type: 'integer', default: 0 }) cursor!: number;
  @Column({ type: 'varchar', length: 16, nullable: true }) wait_for!: string | null;
  @Column({ type: 'timestamptz', nullable: true }) poll_at!: Date | null;
  @Column({ type: 'timestamptz', nullable: true }) deadline!: Date | null;
  /** Time since which `deadline` is suspended, because the node is in maintenance. */
  @Column({ type: 'timestamptz', nullable: true }) clock_stopped_at!: Date | null;
  @Column({ type: 'boolean', default: false }) abort_requested!: boolean;
  @Column({ type: 'text', nullable: true }) error!: string | null;
  @Column({ type: 'varchar', length: 64, nullable: true }) request_id!: string | null;
  /** Who asked for it; null in rows from before it was recorded. */
  @Column({ type: 'jsonb', nullable: true }) actor!: Actor | null;
  @Column({ type: 'varchar', length: 255 }) conductor!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) finished_at!: Date | null;
}

@Entity('operation_step')
export class OperationStep {
  @PrimaryColumn({ type: 'bigint', primaryKeyConstraintName: 'operation_step_pkey' }) operation_id!: string;
  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'operation_step_pkey' }) position!: number;
  @Column({ type: 'varchar', length: 16 }) interface!: StepOwner;
  @Column({ type: 'varchar', length: 255 }) name!: string;
  @Column('integer') priority!: number;
  /** Secrets are replaced by `******`. */
  @Column({ type: 'jsonb', default: {} }) args!: JsonObject;
  @Column({ type: 'bytea', nullable: true }) args_sealed!: Buffer | null;
  @Column('boolean') abortable!: boolean;
  @Column('boolean') rerunnable!: boolean;
  @Column('boolean') visible!: boolean;
  @Column('boolean') agent!: boolean;
  @Column({ type: 'varchar', length: 16 }) state!: StepState;
  @Column({ type: 'jsonb', nullable: true }) checkpoint!: Json;
  @Column({ type: 'integer', default: 0 }) attempt!: number;
  @Column({ type: 'timestamptz', nullable: true }) started_at!: Date | null;
  @Column({ type: 'timestamptz', nullable: true }) finished_at!: Date | null;
}

import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';
import type { StepInterface } from '../../domain/step/step.js';

export interface RunbookStep {
  interface: StepInterface;
  step: string;
  args: JsonObject;
  order: number;
}

/** An approved list of steps, for cleaning or servicing nodes that have one of its traits. */
@Entity('runbook')
@Unique('runbook_uuid_key', ['uuid'])
@Unique('runbook_name_key', ['name'])
export class Runbook {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'runbook_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column({ type: 'varchar', length: 255 }) name!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) description!: string | null;
  /** Secrets in arguments are replaced by `******`. */
  @Column({ type: 'jsonb' }) steps!: RunbookStep[];
  @Column({ type: 'bytea', nullable: true }) steps_sealed!: Buffer | null;
  @Column({ type: 'boolean', default: false }) disable_ramdisk!: boolean;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'boolean', default: false }) public!: boolean;
  /** A project; null: it belongs to the operators. */
  @Column({ type: 'varchar', length: 255, nullable: true }) owner!: string | null;
  /** A node must have one of these. */
  @Column({ type: 'jsonb', default: [] }) traits!: string[];
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

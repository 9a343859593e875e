import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { RuleAction, RuleCondition } from '../../domain/inspection-rule/rule.js';

/** What to do with a node when its inspection finds what the conditions ask for. */
@Entity('inspection_rule')
@Unique('inspection_rule_uuid_key', ['uuid'])
export class InspectionRule {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'inspection_rule_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  /** Higher runs first. */
  @Column({ type: 'integer', default: 0 }) priority!: number;
  @Column({ type: 'varchar', length: 255, nullable: true }) description!: string | null;
  @Column({ type: 'boolean', default: false }) sensitive!: boolean;
  @Column({ type: 'varchar', length: 16, nullable: true, default: 'main' }) phase!: string | null;
  /** Secrets read `******`; a sensitive rule shows none of either. */
  @Column({ type: 'jsonb', default: [] }) conditions!: RuleCondition[];
  @Column({ type: 'jsonb' }) actions!: RuleAction[];
  @Column({ type: 'bytea', nullable: true }) sealed!: Buffer | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

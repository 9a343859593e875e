import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { RuleAction, RuleCondition } from '../../domain/inspection-rule/rule.js';

/** Actions on a node whose inspection meets the conditions. */
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
  /** Secrets are replaced by `******`; a sensitive rule masks conditions and actions as a whole. */
  @Column({ type: 'jsonb', default: [] }) conditions!: RuleCondition[];
  @Column({ type: 'jsonb' }) actions!: RuleAction[];
  @Column({ type: 'bytea', nullable: true }) sealed!: Buffer | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';
import type { StepInterface } from '../../domain/step/step.js';

export interface TemplateStep {
  interface: StepInterface;
  step: string;
  args: JsonObject;
  /** 0 turns the step off. */
  priority: number;
}

/** Steps for deployments of instances that request the trait of this name. */
@Entity('deploy_template')
@Unique('deploy_template_uuid_key', ['uuid'])
@Unique('deploy_template_name_key', ['name'])
export class DeployTemplate {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'deploy_template_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column({ type: 'varchar', length: 255 }) name!: string;
  /** Secrets in arguments are replaced by `******`. */
  @Column({ type: 'jsonb' }) steps!: TemplateStep[];
  @Column({ type: 'bytea', nullable: true }) steps_sealed!: Buffer | null;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

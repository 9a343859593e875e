import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** One row per conductor; alive while online and `updated_at` is recent by the database's clock. */
@Entity('conductor')
@Unique('conductor_hostname_key', ['hostname'])
export class ConductorRecord {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'conductor_pkey',
  })
  id!: number;
  @Column({ type: 'varchar', length: 255 }) hostname!: string;
  @Column({ type: 'varchar', length: 255, default: '' }) conductor_group!: string;
  @Column({ type: 'jsonb', default: [] }) drivers!: string[];
  @Column({ type: 'boolean', default: true }) online!: boolean;
  /** New at each start, so that a replaced process can notice. */
  @Column('uuid') instance!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
}

import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

/** An enclosure of nodes. */
@Entity('chassis')
@Unique('chassis_uuid_key', ['uuid'])
export class Chassis {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'chassis_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) description!: string | null;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

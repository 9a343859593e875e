import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

export type AllocationState = 'allocating' | 'active' | 'error';

/** A request for a node, and its result. */
@Entity('allocation')
@Unique('allocation_uuid_key', ['uuid'])
@Unique('allocation_name_key', ['name'])
@Unique('allocation_node_uuid_key', ['node_uuid'])
@Index('allocation_pending_idx', ['conductor'], { where: "state = 'allocating'" })
export class Allocation {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'allocation_pkey',
  })
  id!: number;
  /** Becomes the node's instance_uuid. */
  @Column('uuid') uuid!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) name!: string | null;
  @Column({ type: 'uuid', nullable: true }) node_uuid!: string | null;
  @Column({ type: 'varchar', length: 15 }) state!: AllocationState;
  @Column({ type: 'text', nullable: true }) last_error!: string | null;
  @Column({ type: 'varchar', length: 80, nullable: true }) resource_class!: string | null;
  @Column({ type: 'jsonb', default: [] }) traits!: string[];
  /** uuids of nodes; empty: any node. */
  @Column({ type: 'jsonb', default: [] }) candidate_nodes!: string[];
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'varchar', length: 255, nullable: true }) owner!: string | null;
  /** Host that picks a node while the state is `allocating`. */
  @Column({ type: 'varchar', length: 255 }) conductor!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

/** An identity of a node towards storage: an initiator's name, a WWN. */
@Entity('volume_connector')
@Unique('volume_connector_uuid_key', ['uuid'])
@Unique('volume_connector_type_connector_id_key', ['type', 'connector_id'])
@Index('volume_connector_node_uuid_idx', ['node_uuid'])
export class VolumeConnector {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'volume_connector_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'varchar', length: 255 }) type!: string;
  @Column({ type: 'varchar', length: 255 }) connector_id!: string;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

/** A volume that a node uses. `properties_sealed` holds the secrets that are `******` in `properties`. */
@Entity('volume_target')
@Unique('volume_target_uuid_key', ['uuid'])
@Unique('volume_target_node_uuid_boot_index_key', ['node_uuid', 'boot_index'])
export class VolumeTarget {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'volume_target_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'varchar', length: 255 }) volume_type!: string;
  @Column({ type: 'varchar', length: 255 }) volume_id!: string;
  /** The node boots from the volume with index 0. */
  @Column('integer') boot_index!: number;
  @Column({ type: 'jsonb', default: {} }) properties!: JsonObject;
  @Column({ type: 'bytea', nullable: true }) properties_sealed!: Buffer | null;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

/** A network interface of a node. */
@Entity('port')
@Unique('port_uuid_key', ['uuid'])
@Unique('port_address_key', ['address'])
@Unique('port_name_key', ['name'])
@Index('port_node_uuid_idx', ['node_uuid'])
@Index('port_portgroup_uuid_idx', ['portgroup_uuid'])
export class Port {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'port_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'uuid', nullable: true }) portgroup_uuid!: string | null;
  /** MAC address, lower case with colons. */
  @Column({ type: 'varchar', length: 64 }) address!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) name!: string | null;
  @Column({ type: 'text', nullable: true }) description!: string | null;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'jsonb', default: {} }) internal_info!: JsonObject;
  @Column({ type: 'jsonb', default: {} }) local_link_connection!: JsonObject;
  @Column({ type: 'boolean', default: true }) pxe_enabled!: boolean;
  @Column({ type: 'varchar', length: 64, nullable: true }) physical_network!: string | null;
  @Column({ type: 'boolean', default: false }) is_smartnic!: boolean;
  @Column({ type: 'varchar', length: 32, nullable: true }) vendor!: string | null;
  @Column({ type: 'varchar', length: 80, nullable: true }) category!: string | null;
  @Column({ type: 'boolean', default: true }) available_for_dynamic_portgroup!: boolean;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

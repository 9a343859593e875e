import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

/** Ports of a node that form one link. */
@Entity('portgroup')
@Unique('portgroup_uuid_key', ['uuid'])
@Unique('portgroup_address_key', ['address'])
@Unique('portgroup_name_key', ['name'])
@Index('portgroup_node_uuid_idx', ['node_uuid'])
export class Portgroup {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'portgroup_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) name!: string | null;
  /** MAC address, lower case with colons. */
  @Column({ type: 'varchar', length: 64, nullable: true }) address!: string | null;
  @Column({ type: 'jsonb', default: {} }) extra!: JsonObject;
  @Column({ type: 'jsonb', default: {} }) internal_info!: JsonObject;
  /** Bonding mode, with the operating system's name. */
  @Column({ type: 'varchar', length: 255, nullable: true }) mode!: string | null;
  @Column({ type: 'jsonb', default: {} }) properties!: JsonObject;
  /** Whether a member may also be used alone. */
  @Column({ type: 'boolean', default: true }) standalone_ports_supported!: boolean;
  @Column({ type: 'varchar', length: 64, nullable: true }) physical_network!: string | null;
  @Column({ type: 'varchar', length: 80, nullable: true }) category!: string | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', nullable: true }) updated_at!: Date | null;
}

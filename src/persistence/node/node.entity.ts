import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

const json = { type: 'jsonb', default: {} } as const;
const text = { type: 'text', nullable: true } as const;
const short = { type: 'varchar', length: 255, nullable: true } as const;
const state = { type: 'varchar', length: 15, nullable: true } as const;
const time = { type: 'timestamptz', nullable: true } as const;

/**
 * A machine. Property, column and API field share one name. `*_sealed` columns hold the secrets that are `******` in
 * the plain column.
 */
@Entity('node')
@Unique('node_uuid_key', ['uuid'])
@Unique('node_name_key', ['name'])
@Unique('node_instance_uuid_key', ['instance_uuid'])
@Index('node_provision_state_idx', ['provision_state'])
@Index('node_chassis_uuid_idx', ['chassis_uuid'])
@Index('node_conductor_affinity_idx', ['conductor_affinity'])
@Index('node_reservation_idx', ['reservation'], { where: 'reservation is not null' })
@Unique('node_allocation_uuid_key', ['allocation_uuid'])
@Index('node_free_idx', ['resource_class'], {
  where: "provision_state = 'available' and instance_uuid is null",
})
export class Node {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'node_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column(short) name!: string | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column(time) updated_at!: Date | null;
  @Column({ type: 'varchar', length: 255 }) driver!: string;
  @Column(json) driver_info!: JsonObject;
  @Column({ type: 'bytea', nullable: true }) driver_info_sealed!: Buffer | null;
  @Column(json) driver_internal_info!: JsonObject;
  @Column({ type: 'bytea', nullable: true }) driver_internal_info_sealed!: Buffer | null;
  @Column(json) instance_info!: JsonObject;
  @Column({ type: 'bytea', nullable: true }) instance_info_sealed!: Buffer | null;
  @Column({ type: 'uuid', nullable: true }) instance_uuid!: string | null;
  @Column(short) instance_name!: string | null;
  @Column({ type: 'uuid', nullable: true }) chassis_uuid!: string | null;
  /** The node's allocation; it is the instance_uuid, too. */
  @Column({ type: 'uuid', nullable: true }) allocation_uuid!: string | null;
  @Column(json) properties!: JsonObject;
  @Column(json) extra!: JsonObject;
  @Column({ type: 'jsonb', default: [] }) traits!: string[];
  @Column(json) network_data!: JsonObject;
  @Column(state) power_state!: string | null;
  @Column(state) target_power_state!: string | null;
  @Column({ type: 'varchar', length: 15 }) provision_state!: string;
  @Column(state) target_provision_state!: string | null;
  @Column(time) provision_updated_at!: Date | null;
  @Column(text) last_error!: string | null;
  @Column({ type: 'boolean', default: false }) maintenance!: boolean;
  @Column(text) maintenance_reason!: string | null;
  @Column(short) fault!: string | null;
  @Column(short) reservation!: string | null;
  /** Counts acquisitions: a write that carries an older number is refused. */
  @Column({ type: 'bigint', default: 0 }) reservation_epoch!: string;
  @Column(time) reservation_expires_at!: Date | null;
  @Column(short) conductor_affinity!: string | null;
  @Column({ type: 'varchar', length: 255, default: '' }) conductor_group!: string;
  @Column({ type: 'boolean', default: false }) console_enabled!: boolean;
  @Column(time) inspection_started_at!: Date | null;
  @Column(time) inspection_finished_at!: Date | null;
  @Column(json) raid_config!: JsonObject;
  @Column(json) target_raid_config!: JsonObject;
  @Column({ type: 'varchar', length: 80, nullable: true }) resource_class!: string | null;
  @Column({ type: 'boolean', nullable: true }) automated_clean!: boolean | null;
  @Column({ type: 'boolean', default: false }) protected!: boolean;
  @Column(text) protected_reason!: string | null;
  @Column({ type: 'boolean', default: false }) retired!: boolean;
  @Column(text) retired_reason!: string | null;
  @Column(short) owner!: string | null;
  @Column(short) lessee!: string | null;
  @Column(text) description!: string | null;
  @Column(short) shard!: string | null;
  @Column({ type: 'uuid', nullable: true }) parent_node!: string | null;
  @Column({ type: 'boolean', default: false }) disable_power_off!: boolean;
  @Column({ type: 'varchar', length: 16, nullable: true }) boot_mode!: string | null;
  @Column({ type: 'boolean', nullable: true }) secure_boot!: boolean | null;
  @Column({ type: 'varchar', length: 16, nullable: true }) health!: string | null;
  @Column(short) bios_interface!: string | null;
  @Column(short) boot_interface!: string | null;
  @Column(short) console_interface!: string | null;
  @Column(short) deploy_interface!: string | null;
  @Column(short) firmware_interface!: string | null;
  @Column(short) inspect_interface!: string | null;
  @Column(short) management_interface!: string | null;
  @Column(short) network_interface!: string | null;
  @Column(short) power_interface!: string | null;
  @Column(short) raid_interface!: string | null;
  @Column(short) rescue_interface!: string | null;
  @Column(short) storage_interface!: string | null;
  @Column(short) vendor_interface!: string | null;
}

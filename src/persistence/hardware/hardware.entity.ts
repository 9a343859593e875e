import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../../domain/json.js';

const text = { type: 'text', nullable: true } as const;
const number = { type: 'integer', nullable: true } as const;
const flag = { type: 'boolean', nullable: true } as const;
const created = { type: 'timestamptz', default: () => 'now()' } as const;
const updated = { type: 'timestamptz', nullable: true } as const;

/** A BIOS setting of a node, with its description in the machine's attribute registry. */
@Entity('bios_setting')
export class BiosSettingRow {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'bios_setting_pkey' }) node_uuid!: string;
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'bios_setting_pkey' })
  name!: string;
  @Column(text) value!: string | null;
  @Column(text) attribute_type!: string | null;
  @Column({ type: 'jsonb', nullable: true }) allowable_values!: string[] | null;
  @Column(number) lower_bound!: number | null;
  @Column(number) upper_bound!: number | null;
  @Column(number) min_length!: number | null;
  @Column(number) max_length!: number | null;
  @Column(flag) read_only!: boolean | null;
  @Column(flag) reset_required!: boolean | null;
  @Column(flag) unique!: boolean | null;
  @Column(created) created_at!: Date;
  @Column(updated) updated_at!: Date | null;
}

/** Firmware of a component of a node: initial, current and last flashed version. */
@Entity('firmware_component')
export class FirmwareComponentRow {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'firmware_component_pkey' }) node_uuid!: string;
  @PrimaryColumn({ type: 'varchar', length: 255, primaryKeyConstraintName: 'firmware_component_pkey' })
  component!: string;
  @Column('text') initial_version!: string;
  @Column(text) current_version!: string | null;
  @Column(text) last_version_flashed!: string | null;
  @Column(text) vendor!: string | null;
  @Column(text) model!: string | null;
  @Column(text) serial_number!: string | null;
  @Column(created) created_at!: Date;
  @Column(updated) updated_at!: Date | null;
}

/** The result of a node's last inspection. */
@Entity('node_inventory')
export class InventoryRow {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'node_inventory_pkey' }) node_uuid!: string;
  @Column('jsonb') inventory!: JsonObject;
  @Column({ type: 'jsonb', default: {} }) plugin_data!: JsonObject;
  @Column(created) created_at!: Date;
}

/** A ramdisk's report that is not read yet. */
@Entity('inspection_report')
export class InspectionReportRow {
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'inspection_report_pkey' }) node_uuid!: string;
  /** JSON of inventory and plugin data, sealed: ramdisks include logs. */
  @Column('text') report_sealed!: string;
  @Column(created) created_at!: Date;
}

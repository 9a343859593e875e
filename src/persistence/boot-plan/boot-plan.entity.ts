import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What DHCP answers to one node's machine; without a row the machine boots from its disk. */
@Entity('boot_plan')
export class BootPlanRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'boot_plan_pkey' }) node_uuid!: string;
  @Column({ type: 'varchar', length: 8 }) kind!: string;
  @Column({ type: 'varchar', length: 8 }) boot_mode!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
}

/** A MAC address that boots by a plan; it belongs to at most one plan. */
@Entity('boot_plan_mac')
@Index('boot_plan_mac_node_uuid_idx', ['node_uuid'])
export class BootPlanMac {
  /** Lower case with colons. */
  @PrimaryColumn({ type: 'varchar', length: 64, primaryKeyConstraintName: 'boot_plan_mac_pkey' })
  mac!: string;
  @Column('uuid') node_uuid!: string;
}

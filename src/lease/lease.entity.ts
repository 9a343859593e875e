import { Column, Entity, Index, PrimaryColumn, Unique } from 'typeorm';

/**
 * offered: set aside for a short while; bound: the client's until `expires_at`; released: given back, but still the
 * first choice for its MAC; declined: somebody else was seen using it.
 */
export type LeaseState = 'offered' | 'bound' | 'released' | 'declined';

/** An address that DHCP gave or set aside. An expired one stays with its MAC until no other address is left. */
@Entity('lease')
@Unique('lease_mac_key', ['mac'])
@Index('lease_expires_at_idx', ['expires_at'])
export class Lease {
  @PrimaryColumn({ type: 'inet', primaryKeyConstraintName: 'lease_pkey' }) ip!: string;
  /** Lower case with colons; null where declined. */
  @Column({ type: 'varchar', length: 17, nullable: true }) mac!: string | null;
  @Column({ type: 'uuid', nullable: true }) node_uuid!: string | null;
  @Column({ type: 'uuid', nullable: true }) port_uuid!: string | null;
  @Column({ type: 'varchar', length: 16 }) state!: LeaseState;
  @Column({ type: 'timestamptz' }) expires_at!: Date;
  /** Given or renewed since its machine was last stopped or started: whoever uses the address is that machine. */
  @Column({ type: 'boolean', default: false }) of_this_boot!: boolean;
  /** Of the firmware that asked last: bios, uefi_x64 ... */
  @Column({ type: 'varchar', length: 16, nullable: true }) arch!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) vendor_class!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) hostname!: string | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
}

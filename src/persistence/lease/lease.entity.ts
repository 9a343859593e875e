import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * offered: reserved for a short time; bound: the client's until `expires_at`; released: given back, or replaced by
 * another address, but still the first choice for its MAC, and for no other client before `expires_at`; declined:
 * somebody else was seen using it.
 */
export type LeaseState = 'offered' | 'bound' | 'released' | 'declined';

/**
 * An address that DHCP gave or offered. An expired one stays with its MAC until no other address is left. A MAC may
 * have one lease in each network.
 */
@Entity('lease')
@Index('lease_mac_idx', ['mac'])
@Index('lease_declined_by_idx', ['declined_by'])
@Index('lease_expires_at_idx', ['expires_at'])
export class Lease {
  @PrimaryColumn({ type: 'inet', primaryKeyConstraintName: 'lease_pkey' }) ip!: string;
  /** Lower case with colons; null when declined. */
  @Column({ type: 'varchar', length: 17, nullable: true }) mac!: string | null;
  @Column({ type: 'uuid', nullable: true }) node_uuid!: string | null;
  @Column({ type: 'uuid', nullable: true }) port_uuid!: string | null;
  @Column({ type: 'varchar', length: 16 }) state!: LeaseState;
  @Column({ type: 'timestamptz' }) expires_at!: Date;
  /** Given or renewed since its machine was last stopped or started: the user of the address is that machine. */
  @Column({ type: 'boolean', default: false }) of_this_boot!: boolean;
  /**
   * When its client, or a probe, found another machine using it. A bound lease stays bound: a DECLINE can be forged, so
   * it takes effect when the client asks again.
   */
  @Column({ type: 'timestamptz', nullable: true }) declined_at!: Date | null;
  /** The MAC address that declined it. */
  @Column({ type: 'varchar', length: 17, nullable: true }) declined_by!: string | null;
  /** Architecture of the firmware that asked last: bios, uefi_x64 ... */
  @Column({ type: 'varchar', length: 16, nullable: true }) arch!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) vendor_class!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) hostname!: string | null;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
}

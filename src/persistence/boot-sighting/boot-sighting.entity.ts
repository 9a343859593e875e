import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { SightingKind } from '../../domain/network/sighting.js';

/** What was seen of a machine while an operation was open: of each kind and name, how often and when. */
@Entity('boot_sighting')
export class BootSighting {
  @PrimaryColumn({ type: 'bigint', primaryKeyConstraintName: 'boot_sighting_pkey' }) operation_id!: string;
  @PrimaryColumn({ type: 'varchar', length: 16, primaryKeyConstraintName: 'boot_sighting_pkey' })
  kind!: SightingKind;
  /** dhcp: the program that asked; tftp and http: the file; else empty. */
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'boot_sighting_pkey' }) name!: string;
  /** IP address, that of the last time. */
  @Column({ type: 'varchar', length: 64 }) source!: string;
  @Column({ type: 'timestamptz' }) first_at!: Date;
  @Column({ type: 'timestamptz' }) last_at!: Date;
  @Column('integer') count!: number;
  /** Sent to it. */
  @Column('bigint') bytes!: string;
}

import { Column, Entity, Index, PrimaryColumn, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { ImageStatus } from '../../domain/image/status.js';

export type Visibility = 'public' | 'community' | 'shared' | 'private';
export type MemberStatus = 'pending' | 'accepted' | 'rejected';

/** An image of the Image service. Its bytes are in the store under `os_hash_value`. */
@Entity('image')
@Unique('image_uuid_key', ['uuid'])
@Index('image_os_hash_value_idx', ['os_hash_value'])
@Index('image_name_idx', ['name'])
export class ImageRecord {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'image_pkey',
  })
  id!: number;
  @Column('uuid') uuid!: string;
  @Column({ type: 'varchar', length: 255, nullable: true }) name!: string | null;
  @Column({ type: 'varchar', length: 16 }) status!: ImageStatus;
  @Column({ type: 'varchar', length: 16 }) visibility!: Visibility;
  @Column({ type: 'varchar', length: 255, nullable: true }) owner!: string | null;
  @Column({ type: 'boolean', default: false }) protected!: boolean;
  @Column({ type: 'boolean', default: false }) os_hidden!: boolean;
  @Column({ type: 'varchar', length: 32, nullable: true }) disk_format!: string | null;
  @Column({ type: 'varchar', length: 32, nullable: true }) container_format!: string | null;
  @Column({ type: 'integer', default: 0 }) min_disk!: number;
  @Column({ type: 'integer', default: 0 }) min_ram!: number;
  /** Bytes; PostgreSQL's bigint arrives as text, and the repository converts it to a number. */
  @Column({ type: 'bigint', nullable: true }) size!: number | null;
  @Column({ type: 'bigint', nullable: true }) virtual_size!: number | null;
  /** MD5. */
  @Column({ type: 'varchar', length: 32, nullable: true }) checksum!: string | null;
  @Column({ type: 'varchar', length: 64, nullable: true }) os_hash_algo!: string | null;
  @Column({ type: 'varchar', length: 128, nullable: true }) os_hash_value!: string | null;
  @Column({ type: 'jsonb', default: {} }) properties!: Record<string, string>;
  @Column({ type: 'jsonb', default: [] }) tags!: string[];
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
}

/** A deleted image: its UUID is never used again, so references to it never get other bytes. */
@Entity('image_deleted')
export class DeletedImage {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'image_deleted_pkey' }) uuid!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) deleted_at!: Date;
}

/** A project with which a shared image is shared. */
@Entity('image_member')
@Unique('image_member_image_uuid_member_key', ['image_uuid', 'member'])
export class ImageMember {
  @PrimaryGeneratedColumn('identity', {
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'image_member_pkey',
  })
  id!: number;
  @Column('uuid') image_uuid!: string;
  @Column({ type: 'varchar', length: 255 }) member!: string;
  @Column({ type: 'varchar', length: 16 }) status!: MemberStatus;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
  @Column({ type: 'timestamptz', default: () => 'now()' }) updated_at!: Date;
}

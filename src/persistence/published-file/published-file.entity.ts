import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { BootService, Publisher, StoredSegments } from './publication.js';

/** What the boot servers serve under an exact name: a file, or content that is generated while it is served. */
@Entity('published_file')
@Check(
  'published_file_content_check',
  `case kind when 'file' then path is not null and segments is null and size is null
    else path is null and segments is not null and size is not null end`,
)
@Index('published_file_node_uuid_idx', ['node_uuid', 'publisher'])
@Index('published_file_operation_uuid_idx', ['operation_uuid'])
export class PublishedFileRow {
  @PrimaryColumn({ type: 'varchar', length: 8, primaryKeyConstraintName: 'published_file_pkey' })
  service!: BootService;
  @PrimaryColumn({ type: 'text', primaryKeyConstraintName: 'published_file_pkey' }) name!: string;
  @Column('uuid') node_uuid!: string;
  @Column({ type: 'varchar', length: 16 }) publisher!: Publisher;
  /** The entry ends with this operation; null: it stays until it is withdrawn. */
  @Column({ type: 'uuid', nullable: true }) operation_uuid!: string | null;
  /** The entry also ends at this time. */
  @Column({ type: 'timestamptz', nullable: true }) expires_at!: Date | null;
  /** Host name of the conductor whose disk has the content. */
  @Column({ type: 'varchar', length: 255 }) conductor!: string;
  /** Whether the node's own machine may read it. */
  @Column({ type: 'boolean', default: true }) for_machine!: boolean;
  /** Other addresses that may read it, in their canonical spelling. */
  @Column({ type: 'jsonb', default: [] }) for_addresses!: string[];
  @Column({ type: 'varchar', length: 16 }) kind!: 'file' | 'generated';
  /** For a file. */
  @Column({ type: 'text', nullable: true }) path!: string | null;
  /** For generated content. */
  @Column({ type: 'jsonb', nullable: true }) segments!: StoredSegments | null;
  /** Bytes, for generated content: known before it is generated. */
  @Column({ type: 'bigint', nullable: true }) size!: string | null;
  /** Bytes that were fetched of it so far. */
  @Column({ type: 'bigint', default: 0 }) fetched_bytes!: string;
  @Column({ type: 'timestamptz', default: () => 'now()' }) created_at!: Date;
}

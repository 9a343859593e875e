import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { Via } from '../../domain/actor.js';
import type { ChangeKind } from '../../domain/change.js';
import type { JsonObject } from '../../domain/json.js';

/** An event or a change of a node; written in the transaction that caused it. */
@Entity('event')
@Unique('event_uuid_key', ['uuid'])
@Index('event_node_uuid_idx', ['node_uuid', 'id'])
@Index('event_written_by_idx', ['written_by', 'id'])
export class Event {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'event_pkey',
  })
  id!: string;
  @Column('uuid') uuid!: string;
  /** null: it concerns no node, such as an allocation without one. */
  @Column({ type: 'uuid', nullable: true }) node_uuid!: string | null;
  @Column({ type: 'timestamptz', default: () => 'clock_timestamp()' }) created_at!: Date;
  @Column({ type: 'varchar', length: 10 }) severity!: string;
  @Column({ type: 'varchar', length: 40 }) event_type!: string;
  /** What changed: a kind of `domain/change.ts`. */
  @Column({ type: 'varchar', length: 40, default: 'node.note' }) kind!: ChangeKind;
  /** Id of what changed, where that is not the node itself. */
  @Column({ type: 'varchar', length: 255, nullable: true }) resource!: string | null;
  @Column('text') event!: string;
  @Column({ type: 'varchar', length: 15, nullable: true }) from_state!: string | null;
  @Column({ type: 'varchar', length: 15, nullable: true }) state!: string | null;
  @Column({ type: 'varchar', length: 15, nullable: true }) target_provision_state!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) conductor!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) user_name!: string | null;
  @Column({ type: 'varchar', length: 255, nullable: true }) project!: string | null;
  /** Source of the change; null in rows from before it was recorded. */
  @Column({ type: 'varchar', length: 10, nullable: true }) via!: Via | null;
  /** IP address of the client. */
  @Column({ type: 'varchar', length: 64, nullable: true }) source!: string | null;
  @Column({ type: 'varchar', length: 64, nullable: true }) request_id!: string | null;
  @Column({ type: 'double precision', nullable: true }) duration_seconds!: number | null;
  /** The transaction that wrote the row. (Defaults are written as TypeORM reads them back: without casts.) */
  @Column({ type: 'bigint', default: () => '((pg_current_xact_id()))' }) written_by!: string;
  /** The oldest transaction under way at that time: events that commit later belong to it or to a later one. */
  @Column({ type: 'bigint', default: () => '((pg_snapshot_xmin(pg_current_snapshot())))' }) horizon!: string;
  @Column({ type: 'jsonb', nullable: true }) detail!: JsonObject | null;
}

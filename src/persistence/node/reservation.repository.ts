import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import { Parameters } from '../../database/statement.js';
import { ReservationLostError } from '../../domain/errors.js';
import { type Fence, fenceCondition, RELEASE_SET } from './fence.js';
import type { Node } from './node.entity.js';

/** Reservations of nodes: columns of their rows, with times by the database's clock. */
export class ReservationRepository {
  constructor(private readonly source: DataSource) {}

  /**
   * Takes the reservation if it is free or expired by the database's clock.
   * @param seconds until it expires without renewal
   * @returns the node and the fence; only `holder` when another has it; null when the node does not exist
   */
  async reserve(
    uuid: string,
    holder: string,
    seconds: number,
    on: Queryable = this.source.manager,
  ): Promise<{ node: Node; fence: Fence } | { holder: string } | null> {
    const [rows] = await on.query<[Node[], number]>(
      `update node set reservation = $2, reservation_epoch = reservation_epoch + 1,
              reservation_expires_at = now() + make_interval(secs => $3)
        where uuid = $1 and (reservation is null or reservation_expires_at < now()) returning *`,
      [uuid, holder, seconds],
    );
    const node = rows[0];
    if (node) return { node, fence: { holder, epoch: node.reservation_epoch } };
    const [held] = await on.query<{ reservation: string | null }[]>(
      `select reservation from node where uuid = $1`,
      [uuid],
    );
    return held ? { holder: held.reservation ?? 'another request' } : null;
  }

  /** Renews all of these reservations that are still held. @returns the uuids of those */
  async renew(held: ReadonlyMap<string, Fence>, seconds: number): Promise<Set<string>> {
    if (held.size === 0) return new Set();
    const [rows] = await this.source.query<[{ uuid: string }[], number]>(
      `update node set reservation_expires_at = now() + make_interval(secs => $3)
         from unnest($1::uuid[], $2::bigint[], $4::text[]) as mine (uuid, epoch, holder)
        where node.uuid = mine.uuid and node.reservation_epoch = mine.epoch and node.reservation = mine.holder
          and node.reservation_expires_at > now() returning node.uuid`,
      [
        [...held.keys()],
        [...held.values()].map((f) => f.epoch),
        seconds,
        [...held.values()].map((f) => f.holder),
      ],
    );
    return new Set(rows.map((row) => row.uuid));
  }

  /**
   * Locks the row until the transaction ends.
   * @returns the current row: heartbeats write it, too
   * @throws ReservationLostError when the fence no longer holds
   */
  async assertHeld(uuid: string, fence: Fence, on: Queryable): Promise<Node> {
    const parameters = new Parameters();
    const where = `uuid = ${parameters.add(uuid)} and ${fenceCondition(fence, parameters)}`;
    const [row] = await on.query<Node[]>(`select * from node where ${where} for update`, parameters.values);
    if (!row) throw new ReservationLostError(uuid);
    return row;
  }

  /** Locks the row until the transaction ends, whoever holds the reservation. */
  async lockRow(uuid: string, on: Queryable): Promise<Node | null> {
    const [row] = await on.query<Node[]>(`select * from node where uuid = $1 for update`, [uuid]);
    return row ?? null;
  }

  /**
   * Releases a reservation whose request got no answer, if it exists: no process of this host name holds it. The epoch
   * is raised, so that nothing can be written under it.
   */
  async releaseUnknown(uuid: string, holder: string): Promise<void> {
    await this.source.query(
      `update node set ${RELEASE_SET}, reservation_epoch = reservation_epoch + 1
        where uuid = $1 and reservation = $2`,
      [uuid, holder],
    );
  }

  /** Clears expired reservations: anybody may take such a node, so the recorded holder means nothing. */
  async releaseExpired(): Promise<void> {
    await this.source.query(
      `update node set ${RELEASE_SET} where reservation is not null and reservation_expires_at < now()`,
    );
  }

  async release(uuid: string, fence: Fence, on: Queryable = this.source.manager): Promise<void> {
    await on.query(
      `update node set ${RELEASE_SET}
        where uuid = $1 and reservation = $2 and reservation_epoch = $3`,
      [uuid, fence.holder, fence.epoch],
    );
  }

  /** At a start: releases what this host held before it died. The epoch is raised, so that no old process can write. */
  async releaseAllOf(holder: string): Promise<string[]> {
    const [rows] = await this.source.query<[{ uuid: string }[], number]>(
      `update node set ${RELEASE_SET}, reservation_epoch = reservation_epoch + 1
        where reservation = $1 returning uuid`,
      [holder],
    );
    return rows.map((row) => row.uuid);
  }
}

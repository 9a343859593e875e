import type { DataSource, EntityManager } from 'typeorm';
import { Compound } from '../../database/compound.js';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import { ReservationLostError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { Journal } from '../../domain/step/advance.js';
import type { EventRepository, NewEvent } from '../../persistence/event/event.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type {
  JournaledOperation,
  NewOperation,
  OperationRepository,
  OperationWait,
} from '../../persistence/operation/operation.repository.js';
import { mergeKeys } from './merge-keys.js';
import { MERGED, type NodeDraft } from './node-draft.js';
import { OperationMeter } from './operation-meter.js';
import type { Reservation } from './reservation.js';
import type { Move, Transitions } from './transition.js';

/** What becomes true with a commit, besides what the draft holds. */
interface Entry {
  /** In their order; each was planned on what the one before leaves. */
  moves?: readonly Move[];
  /** Of the node, where no move has them. */
  changes?: NodeChanges;
  /** Gives the reservation up. */
  release?: boolean;
}

/**
 * Commits what belongs together, as one statement under the node's reservation: the node with what its draft holds, its
 * events, the journal. It is all there or nothing is.
 */
export class JournalWriter {
  readonly #meter = new OperationMeter();

  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      events: EventRepository;
      transitions: Pick<Transitions, 'tell'>;
    },
  ) {}

  /**
   * @returns ms to the operation's deadline, null for none
   * @throws ReservationLostError, DatabaseAwayError
   */
  async commit(
    operation: JournaledOperation,
    journal: Journal,
    wait: OperationWait | null,
    draft: NodeDraft,
    reservation: Reservation,
    entry: Entry = {},
    on?: EntityManager,
  ): Promise<number | null> {
    const row = await this.#write(
      draft,
      reservation,
      entry,
      (compound) => {
        this.deps.operations.addJournal(compound, operation, journal, wait);
        return 'select held.*, own.deadline_in from held, own';
      },
      on,
    );
    this.#meter.committed(operation, operation.journal, journal);
    operation.journal = journal;
    return row['deadline_in'] as number | null;
  }

  /**
   * Accepts work. An answer that is lost on the way is found out: whoever asked is told of what stands in the journal.
   * @param superseding why the node's open workflow ends with it; null: it goes on
   * @returns it, durable; null where there is none
   * @throws ReservationLostError, DatabaseAwayError; the database's unique violation when the node has open work of that sort
   */
  async accept(
    work: NewOperation | null,
    superseding: string | null,
    draft: NodeDraft,
    reservation: Reservation,
    entry: Entry,
  ): Promise<JournaledOperation | null> {
    const { operations } = this.deps;
    let made: Omit<JournaledOperation, 'id'> | null = null;
    const write = () =>
      this.#write(draft, reservation, entry, (compound) => {
        if (work) made = operations.addCreated(compound, work, superseding);
        else if (superseding !== null) operations.addSuperseded(compound, reservation.node.uuid, superseding);
        return work ? 'select held.*, created.id as operation_id from held, created' : 'select * from held';
      });
    const row = await foundOut(write, async () => {
      const found = await this.#accepted(made, draft, reservation);
      if (found) this.deps.transitions.tell(draft.row, entry.moves ?? []);
      return found;
    });
    if (!made) return null;
    const operation: JournaledOperation = {
      ...(made as Omit<JournaledOperation, 'id'>),
      id: row['operation_id'] as string,
    };
    this.#meter.committed(operation, null, operation.journal);
    return operation;
  }

  /**
   * What `accept` has written: the operation by its uuid; without one the reservation, which the same statement gave up.
   * @returns null where it has not
   */
  #accepted(
    made: Omit<JournaledOperation, 'id'> | null,
    draft: NodeDraft,
    reservation: Reservation,
  ): Promise<Record<string, unknown> | null> {
    const { source, nodes, operations } = this.deps;
    return inTransaction(source, async (manager) => {
      // Two statements: what was written under the lock that the first one waited for is seen by the next.
      const node = await nodes.reservations.lockRow(draft.row.uuid, manager);
      const operation_id = made && (await operations.idOf(made.uuid, manager));
      const { epoch } = reservation.fence;
      const released = node?.reservation === null && node.reservation_epoch === epoch;
      if (!node || (made ? operation_id === null : !released)) return null;
      if (released) reservation.passed();
      draft.written(node);
      return { operation_id };
    });
  }

  /** A line in the node's history. @throws ReservationLostError, DatabaseAwayError */
  async tell(reservation: Reservation, event: NewEvent): Promise<void> {
    const compound = new Compound();
    const nothing = { changes: {}, unchanged: [], release: false };
    this.deps.nodes.addHeld(compound, reservation.node, reservation.fence, nothing);
    this.deps.events.addTold(compound, [event]);
    const [row] = await compound.run(this.deps.source, 'select uuid from held');
    if (!row) throw new ReservationLostError(reservation.node.uuid);
  }

  /** @throws ReservationLostError, DatabaseAwayError */
  async checkpoint(
    reservation: Reservation,
    operation: string,
    position: number,
    value: Json,
  ): Promise<void> {
    const compound = new Compound();
    this.deps.nodes.addHeld(compound, reservation.node, reservation.fence, {
      changes: {},
      unchanged: [],
      release: false,
    });
    this.deps.operations.addCheckpoint(compound, operation, position, value);
    const [row] = await compound.run(this.deps.source, 'select uuid from held');
    if (!row) throw new ReservationLostError(reservation.node.uuid);
  }

  /** Leaves the draft as it was committed. */
  async #write(
    draft: NodeDraft,
    reservation: Reservation,
    entry: Entry,
    more: (compound: Compound) => string,
    on?: EntityManager,
  ): Promise<Record<string, unknown>> {
    const { moves = [], release = false } = entry;
    const settled: NodeChanges = Object.assign({}, entry.changes, ...moves.map(({ changes }) => changes));
    const merged = MERGED.filter((column) => draft.changes[column] && !settled[column]);
    const attempt = (changes: NodeChanges, unchanged: typeof merged, queryable: Queryable) => {
      const compound = new Compound();
      this.deps.nodes.addHeld(compound, draft.row, reservation.fence, { changes, unchanged, release });
      if (moves.length > 0)
        this.deps.events.addTold(
          compound,
          moves.map(({ event }) => event),
        );
      return compound.run<Record<string, unknown>>(queryable, more(compound));
    };
    const changes = { ...draft.changes, ...settled };
    let [row] = await attempt(changes, merged, on ?? this.deps.source);
    if (!row && merged.length > 0) {
      // Somebody else wrote them too, or the reservation is lost.
      const again = async (manager: EntityManager) => {
        const now = await this.deps.nodes.reservations.assertHeld(draft.row.uuid, reservation.fence, manager);
        const before = this.deps.nodes.withSecrets(draft.row);
        const clear = this.deps.nodes.withSecrets(now);
        const both = merged.map((column) => [
          column,
          mergeKeys(before[column], draft.changes[column]!, clear[column]),
        ]);
        return attempt({ ...changes, ...Object.fromEntries(both) }, [], manager);
      };
      [row] = on ? await again(on) : await inTransaction(this.deps.source, again);
    }
    if (!row) throw new ReservationLostError(draft.row.uuid);
    if (release) reservation.passed();
    const { deadline_in, operation_id, ...node } = row;
    draft.written(node as unknown as Node);
    // In somebody else's transaction nothing is true yet.
    if (!on) this.deps.transitions.tell(draft.row, moves);
    return row;
  }
}

import type { DataSource, EntityManager } from 'typeorm';
import { Compound } from '../../database/compound.js';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import type { Change } from '../../domain/change.js';
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
import type { Changes } from './changes.js';
import { mergeKeys } from './merge-keys.js';
import { MERGED, type NodeDraft } from './node-draft.js';
import { OperationMeter } from './operation-meter.js';
import type { Reservation } from './reservation.js';
import type { HeldNode, Run } from './run.js';
import type { Move, Transitions } from './transition.js';

/** What a commit writes besides the draft. */
export interface Entry {
  /** In order: each is planned on the state that the one before leaves. */
  moves?: readonly Move[];
  /** Changes of the node that are not part of a move. */
  changes?: NodeChanges;
  /** Changes to record besides the events of the moves. */
  told?: readonly Change[];
  /** Also releases the reservation. */
  release?: boolean;
}

/** A commit of an operation's journal. */
interface JournalEntry extends Entry {
  journal: Journal;
  wait?: OperationWait | null;
}

/** A commit that accepts work. */
interface WorkEntry extends Entry {
  /** null: no operation is created, only the node's row changes. */
  work: NewOperation | null;
  /** Why the node's open workflow ends with this commit; null: it stays open. */
  superseding: string | null;
}

/**
 * Commits journal, node (with its draft) and events in one statement under the node's reservation: all or nothing.
 */
export class JournalWriter {
  readonly #meter = new OperationMeter();

  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      events: EventRepository;
      changes: Changes;
      transitions: Pick<Transitions, 'tell'>;
    },
  ) {}

  /**
   * @returns ms to the operation's deadline, null for none
   * @throws ReservationLostError, DatabaseAwayError
   */
  async commit(
    run: HeldNode & Pick<Run, 'operation'>,
    entry: JournalEntry,
    on?: EntityManager,
  ): Promise<number | null> {
    const { operation } = run;
    const { journal, wait = null } = entry;
    const row = await this.#write(
      run,
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
   * Accepts work. Where the database's answer was lost, the journal is read, and the caller gets what stands there.
   * @returns the operation, durable; null when none was created
   * @throws ReservationLostError, DatabaseAwayError; the database's unique violation when the node has open work of
   * that sort
   */
  async accept(held: HeldNode, entry: WorkEntry): Promise<JournaledOperation | null> {
    const { work, superseding } = entry;
    const { operations } = this.deps;
    let made: Omit<JournaledOperation, 'id'> | null = null;
    const write = () =>
      this.#write(held, entry, (compound) => {
        if (work) made = operations.addCreated(compound, work, superseding);
        else if (superseding !== null) operations.addSuperseded(compound, held.draft.row.uuid, superseding);
        return work ? 'select held.*, created.id as operation_id from held, created' : 'select * from held';
      });
    const row = await foundOut(write, async () => {
      const found = await this.#accepted(made, held);
      if (found) this.deps.transitions.tell(held.draft.row, entry.moves ?? []);
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
   * What `accept` has written: the operation, by its uuid; without one the release of the reservation.
   * @returns null when nothing was written
   */
  #accepted(
    made: Omit<JournaledOperation, 'id'> | null,
    { draft, reservation }: HeldNode,
  ): Promise<Record<string, unknown> | null> {
    const { source, nodes, operations } = this.deps;
    return inTransaction(source, async (manager) => {
      // Two statements: the first waits for the lock, the second sees what was written under it.
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

  /** Adds an event to the node's history. @throws ReservationLostError, DatabaseAwayError */
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

  /** Afterwards the draft holds the row as it was committed. */
  async #write(
    { draft, reservation }: HeldNode,
    entry: Entry,
    more: (compound: Compound) => string,
    on?: EntityManager,
  ): Promise<Record<string, unknown>> {
    const { moves = [], told = [], release = false } = entry;
    const settled: NodeChanges = Object.assign({}, entry.changes, ...moves.map(({ changes }) => changes));
    const merged = MERGED.filter((column) => draft.changes[column] && !settled[column]);
    const attempt = (changes: NodeChanges, unchanged: typeof merged, queryable: Queryable) => {
      const compound = new Compound();
      this.deps.nodes.addHeld(compound, draft.row, reservation.fence, { changes, unchanged, release });
      const events = [
        ...moves.map(({ event }) => event),
        ...told.map((change) => this.deps.changes.row(change)),
      ];
      if (events.length > 0) this.deps.events.addTold(compound, events);
      return compound.run<Record<string, unknown>>(queryable, more(compound));
    };
    const changes = { ...draft.changes, ...settled };
    let [row] = await attempt(changes, merged, on ?? this.deps.source);
    if (!row && merged.length > 0) {
      // Another writer changed these columns too, or the reservation is lost.
      const again = async (manager: EntityManager) => {
        const both = await this.#mergedNow(draft, reservation, merged, manager);
        return attempt({ ...changes, ...both }, [], manager);
      };
      [row] = on ? await again(on) : await inTransaction(this.deps.source, again);
    }
    if (!row) throw new ReservationLostError(draft.row.uuid);
    if (release) reservation.passed();
    const { deadline_in, operation_id, ...node } = row;
    draft.written(node as unknown as Node);
    // In the caller's transaction nothing is committed yet.
    if (!on) this.deps.transitions.tell(draft.row, moves);
    return row;
  }

  /** Current values of the columns, merged with the draft's changes. */
  async #mergedNow(
    draft: NodeDraft,
    { fence }: Reservation,
    columns: readonly (typeof MERGED)[number][],
    on: EntityManager,
  ): Promise<NodeChanges> {
    const { nodes } = this.deps;
    const now = await nodes.reservations.assertHeld(draft.row.uuid, fence, on);
    const before = nodes.withSecrets(draft.row);
    const clear = nodes.withSecrets(now);
    return Object.fromEntries(
      columns.map((column) => [column, mergeKeys(before[column], draft.changes[column]!, clear[column])]),
    );
  }
}

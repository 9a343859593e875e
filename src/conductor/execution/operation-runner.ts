import {
  codeOf,
  FerricError,
  isDatabaseAway,
  LockedError,
  messageOf,
  ReservationLostError,
} from '../../domain/errors.js';
import { next } from '../../domain/provision/machine.js';
import type { ProvisionEvent, ProvisionState } from '../../domain/provision/table.js';
import { type Advance, advance, type Effect, type StepEvent } from '../../domain/step/advance.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type {
  JournaledOperation,
  OpenOperation,
  OperationRepository,
  OperationWait as Wait,
} from '../../persistence/operation/operation.repository.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import type { WaitTimeout } from '../workflow/workflow.js';
import { WORKFLOWS } from '../workflow/workflows.js';
import type { Failpoint } from './failpoint.js';
import type { JournalWriter } from './journal-writer.js';
import { NodeDraft } from './node-draft.js';
import type { OperationEnd } from './operation-end.js';
import type { Reservation, Reservations } from './reservation.js';
import { type Run, stepOf, wokenBy } from './run.js';
import type { StepPerformer } from './step-performer.js';
import type { Transitions } from './transition.js';

/** ms until work that met a lock or an absent database is retried; doubled each time, up to RETRY_MOST. */
const RETRY = 1_000;
const RETRY_MOST = 30_000;
/** Retries in a row after an unexpected error; then the operation fails with it. */
const MOST_UNCLAIMED = 2;

/** An operation to begin under the reservation under which it was journaled. */
export interface Begun {
  readonly operation: JournaledOperation;
  readonly reservation: Reservation;
  /** The node as it was committed. */
  readonly node: Node;
}

interface QueuedEvent {
  readonly event: StepEvent;
  readonly begun: Begun | null;
}

interface RunnerDeps {
  nodes: NodeRepository;
  operations: OperationRepository;
  reservations: Reservations;
  transitions: Transitions;
  writer: JournalWriter;
  performer: StepPerformer;
  end: OperationEnd;
  failpoint: Failpoint;
  host: string;
  /** Seconds a wait may last by default; 0: no limit. */
  settings: Readonly<Record<WaitTimeout, number>>;
  log: Logger;
}

/**
 * Drives operations: load, advance, commit, perform. All state is in the journal; memory holds only a queue of events
 * for each operation and a timer for each wait, both rebuilt at a start.
 */
export class OperationRunner {
  readonly #queues = new Map<string, { events: QueuedEvent[]; running: Promise<void> }>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Waiting operations that this process began to wait for, or polled once. */
  readonly #waits = new Set<string>();
  /** Interruptions in a row, by operation. */
  readonly #interrupted = new Map<string, number>();
  /** Of these, interruptions by errors other than a lock, a lost reservation or the database. */
  readonly #unclaimed = new Map<string, number>();
  readonly #stopping = new AbortController();
  /** The sweep under way, shared by all callers. */
  #sweeping: Promise<number> | null = null;

  constructor(private readonly deps: RunnerDeps) {}

  /**
   * Resumes every open operation of this conductor that has no queue here: all of them at a start; later those whose
   * event, timer or begin was lost, and those that are due by the database's clock.
   * @returns how many were resumed
   */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<number> {
    let taken = 0;
    const all = await this.deps.operations.open(this.deps.host);
    const ids = new Set(all.map(({ id }) => id));
    for (const id of this.#waits) if (!ids.has(id)) this.#waits.delete(id);
    for (const open of all) {
      // Work that is being accepted or is running holds its node's reservation.
      if (this.#queues.has(open.id) || this.deps.reservations.holds(open.node_uuid)) continue;
      if (this.#takeUpOpen(open)) taken++;
    }
    return taken;
  }

  /**
   * Resumes an open operation that has no queue, by its state:
   * - `running`, `ending`: by `restart`, which checks the step. A retry that has a timer is left to the timer.
   * - `waiting`: by the deadline or the poll, where due. If the wait is another process's, its heartbeat may have been
   *   lost with that process: it polls once. A timer that is missing is set again. A noted abort is delivered first.
   * - `held`: only an abort or the operator's `unhold` ends it.
   */
  #takeUpOpen(open: OpenOperation): boolean {
    const { id, kind, state, poll_in, deadline_in, stopped } = open;
    const isTimed = this.#timers.has(id);
    if (state === 'running' || state === 'ending') {
      if (!isTimed) this.deliver(id, { on: 'restart' });
      return !isTimed;
    }
    if (open.abort_requested && !isTimed) this.deliver(id, { on: 'abort' });
    if (state !== 'waiting' || (stopped && RESTING.includes(kind))) return false;
    if (deadline_in !== null && deadline_in <= 0) this.deliver(id, { on: 'deadline' });
    else if (!this.#waits.has(id) || (poll_in !== null && poll_in <= 0)) {
      this.#waits.add(id);
      this.deliver(id, { on: 'wake', why: 'poll' });
    } else {
      if (!isTimed) this.#arm(id, poll_in, deadline_in);
      return false;
    }
    return true;
  }

  /** The node's maintenance is over: events were ignored meanwhile, so its waiting work polls now. */
  async wakeNode(uuid: string): Promise<void> {
    const open = await this.deps.operations.openOf(uuid);
    if (open?.state === 'waiting') this.deliver(open.id, { on: 'wake', why: 'poll' });
  }

  /** Running steps are aborted; the next start resumes them. */
  async stop(): Promise<void> {
    this.#stopping.abort(new FerricError('cancelled', 'The conductor is stopping.'));
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.running));
  }

  /** Takes over an operation and its reservation, and releases the reservation. */
  begin(begun: Begun): void {
    this.#enqueue(begun.operation.id, { event: { on: 'begin' }, begun });
  }

  /** Events of one operation are handled in turn; one that is queued already is dropped. */
  deliver(id: string, event: StepEvent): void {
    if (!this.#stopping.signal.aborted) this.#enqueue(id, { event, begun: null });
  }

  #enqueue(id: string, queued: QueuedEvent): void {
    const queue = this.#queues.get(id);
    if (queue) {
      const { event, begun } = queued;
      if (begun || !queue.events.some((other) => isSame(other.event, event))) queue.events.push(queued);
      return;
    }
    const fresh = { events: [queued], running: Promise.resolve() };
    this.#queues.set(id, fresh);
    fresh.running = this.#work(id, fresh.events);
  }

  async #work(id: string, events: QueuedEvent[]): Promise<void> {
    await Promise.resolve();
    try {
      for (let queued = events.shift(); queued; queued = events.shift()) await this.#take(id, queued);
    } finally {
      this.#queues.delete(id);
    }
  }

  async #take(id: string, { event, begun }: QueuedEvent): Promise<void> {
    try {
      if (begun) await this.#drive(begun, event);
      else await this.#takeUp(id, event);
      this.#interrupted.delete(id);
      this.#unclaimed.delete(id);
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#interrupt(id, event, error);
    }
  }

  /**
   * Retries work after a lock, a lost reservation or an absent database; after an unexpected error a few times only.
   */
  #interrupt(id: string, event: StepEvent, error: unknown): void {
    const { log } = this.deps;
    // The journal knows whether the last commit took effect: load it again.
    const again: StepEvent[] = [{ on: 'restart' }];
    if (error instanceof LockedError) log.debug({ operation: id }, 'the node is locked; trying again');
    else if (error instanceof ReservationLostError) log.warn({ operation: id }, error.message);
    else if (isDatabaseAway(error)) {
      log.warn({ operation: id, error: messageOf(error) }, 'the operation is taken up again later');
    } else {
      const { stack, cause } = error instanceof Error ? error : new Error(String(error));
      const words = { error: stack, ...(cause ? { cause: messageOf(cause) } : {}) };
      log.error({ operation: id, ...words }, 'operation interrupted');
      const times = (this.#unclaimed.get(id) ?? 0) + 1;
      this.#unclaimed.set(id, times);
      if (times > MOST_UNCLAIMED)
        again[0] = { on: 'failure', message: messageOf(error), reason: codeOf(error) };
    }
    if (error instanceof LockedError || event.on === 'abort' || event.on === 'wake') again.push(event);
    const times = this.#interrupted.get(id) ?? 0;
    this.#interrupted.set(id, times + 1);
    this.#deliverLater(id, again, Math.min(RETRY * 2 ** times, RETRY_MOST));
  }

  async #takeUp(id: string, event: StepEvent): Promise<void> {
    const { operations, reservations } = this.deps;
    const peek = await operations.load(id);
    if (!peek || peek.journal.state === 'finished') return;
    if (advance(peek.journal, event).effect.do === 'nothing') {
      if (event.on === 'restart') await this.#waitOn(id);
      return;
    }
    const reservation = await reservations.acquire(peek.node_uuid, true);
    try {
      const operation = await operations.load(id);
      if (
        !operation ||
        operation.journal.state === 'finished' ||
        isPutOff(operation, reservation.node, event)
      )
        return;
      await this.#drive(
        { operation, reservation, node: reservation.node },
        this.#atDeadline(operation, reservation.node, event),
      );
    } finally {
      await reservation.release();
    }
  }

  /** Resumes a wait whose event was lost, by its own timers. */
  async #waitOn(id: string): Promise<void> {
    const open = await this.deps.operations.openById(id);
    if (open?.state === 'waiting') this.#takeUpOpen(open);
  }

  /** A step with a last look is entered at its deadline; any other fails. */
  #atDeadline({ kind, journal }: JournaledOperation, node: Node, event: StepEvent): StepEvent {
    const step = journal.steps[journal.cursor];
    if (event.on !== 'deadline' || !step || !this.deps.performer.isEnteredAtDeadline(kind, step, node))
      return event;
    return { on: 'wake', why: 'deadline' };
  }

  async #drive({ operation, reservation, node }: Begun, event: StepEvent): Promise<void> {
    try {
      this.#stopping.signal.throwIfAborted();
      const draft = new NodeDraft(node, this.deps.nodes);
      const signal = AbortSignal.any([reservation.signal, this.#stopping.signal]);
      const actor = wokenBy(operation.actor, event);
      const run: Run = { operation, reservation, draft, signal, actor, ahead: false };
      await this.#play(run, advance(operation.journal, event));
    } finally {
      await reservation.release();
    }
  }

  async #play(run: Run, first: Advance): Promise<void> {
    const { failpoint, performer, end } = this.deps;
    const { id, kind } = run.operation;
    for (let at = first; ; ) {
      const { effect, journal } = at;
      if (effect.do === 'nothing') return;
      if (effect.do === 'end') {
        await end.finish(run, journal, (next) => this.deliver(next, { on: 'begin' }));
        this.#forgetWait(id);
        return;
      }
      await this.#commit(run, at);
      if (effect.do !== 'run') return;
      const turn = { journal, effect };
      const label = `${kind}.${stepOf(turn).name}`;
      failpoint(`${label}.before`);
      const event = await performer.perform(run, turn);
      failpoint(`${label}.after`);
      at = advance(journal, event);
    }
  }

  /** Commits journal, provision state, event and draft together, where a commit is due. */
  async #commit(run: Run, { effect, journal }: Advance): Promise<void> {
    const { operation, draft, actor } = run;
    if (effect.do === 'run') {
      run.ahead = this.deps.performer.writesRowsOnly(run, stepOf({ journal, effect }));
      if (run.ahead) return;
    }
    const wait = effect.do === 'wait' ? this.#waiting(operation, effect) : null;
    const event = WORKFLOWS[operation.kind].waits ? stateEvent(draft.row, effect) : null;
    const moves = event ? [this.deps.transitions.plan(draft.row, event, { actor })] : [];
    const deadline = await this.deps.writer.commit(run, { journal, wait, moves });
    if (!wait) return this.#forgetWait(operation.id);
    this.#waits.add(operation.id);
    this.#arm(operation.id, wait.pollAfter, deadline);
  }

  /**
   * The deadline is kept in the operation's row: a later wait of the step keeps it, unless that wait names a new one.
   */
  #waiting(operation: JournaledOperation, { for: what, pollAfter, timeout }: Effect & { do: 'wait' }): Wait {
    const own = this.deps.settings[WORKFLOWS[operation.kind].timeout] * 1000;
    const fallback = own > 0 ? own : null;
    return { for: what, pollAfter, timeout: timeout === 'anew' ? fallback : timeout, fallback };
  }

  #arm(id: string, pollIn: number | null, deadlineIn: number | null): void {
    this.#clearTimer(id);
    const soonest = Math.min(pollIn ?? Number.POSITIVE_INFINITY, deadlineIn ?? Number.POSITIVE_INFINITY);
    if (soonest === Number.POSITIVE_INFINITY) return;
    const event: StepEvent =
      pollIn !== null && pollIn <= soonest ? { on: 'wake', why: 'poll' } : { on: 'deadline' };
    // Node's timers hold 31 bits of milliseconds; the sweep finds what is due later.
    this.#deliverLater(id, [event], Math.min(Math.max(soonest, 0), 2_000_000_000));
  }

  /** An operation has one timer. @param ms below 2^31 */
  #deliverLater(id: string, events: readonly StepEvent[], ms: number): void {
    this.#clearTimer(id);
    const due = () => {
      this.#timers.delete(id);
      for (const event of events) this.deliver(id, event);
    };
    this.#timers.set(id, setTimeout(contained('operations: timer', due, due), ms));
  }

  #forgetWait(id: string): void {
    this.#waits.delete(id);
    this.#clearTimer(id);
  }

  #clearTimer(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}

/** Kinds of operation that ignore heartbeats and polls in maintenance. */
const RESTING = Object.values(WORKFLOWS)
  .filter((workflow) => workflow.restsInMaintenance)
  .map(({ kind }) => kind);

/** A heartbeat and a poll are different: a step may wait for one of them only. */
function isSame(one: StepEvent, other: StepEvent): boolean {
  return one.on === other.on && (one.on !== 'wake' || other.on !== 'wake' || one.why === other.why);
}

/** In maintenance no deadline passes, and no event resumes work on a machine that somebody is repairing. */
function isPutOff({ kind }: JournaledOperation, node: Node, event: StepEvent): boolean {
  if (!node.maintenance) return false;
  return event.on === 'deadline' || (event.on === 'wake' && RESTING.includes(kind));
}

/**
 * The provision event of an effect: into the wait state for a wait, out of it when the next step starts. A poll that
 * finds nothing new leaves the state as it is.
 */
function stateEvent(node: Node, effect: Effect): ProvisionEvent | null {
  const state = node.provision_state as ProvisionState;
  const legal = (event: ProvisionEvent) => (next(state, event) ? event : null);
  if (effect.do === 'wait') return legal('wait');
  if (effect.do === 'hold') return legal('hold');
  if (effect.do === 'run' && (effect.wake === 'start' || effect.wake === 'restart')) return legal('resume');
  return null;
}

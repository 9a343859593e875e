import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import { brokenUnique } from '../../database/statement.js';
import type { Actor } from '../../domain/actor.js';
import type { Change } from '../../domain/change.js';
import { ConflictError, InvalidError, LockedError } from '../../domain/errors.js';
import { holderOf } from '../../domain/node/holder.js';
import { canonicalUuid } from '../../domain/node/name.js';
import { type PowerTarget, settledPower } from '../../domain/power/power.js';
import { factsOfRow } from '../../domain/provision/machine.js';
import { moveOrRefusal } from '../../domain/provision/refusal.js';
import { type ProvisionVerb, type Transition, VERBS } from '../../domain/provision/table.js';
import { withoutLeftBehind } from '../../driver/contract/internal-info.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type {
  JournaledOperation,
  OperationRepository,
} from '../../persistence/operation/operation.repository.js';
import type { Changes } from '../execution/changes.js';
import type { JournalWriter } from '../execution/journal-writer.js';
import { NodeDraft } from '../execution/node-draft.js';
import type { OperationRunner } from '../execution/operation-runner.js';
import type { Reservation, Reservations } from '../execution/reservation.js';
import type { Transitions } from '../execution/transition.js';
import { HOLD_OVER, ownStep } from '../workflow/own-steps.js';
import { plannedFrom } from '../workflow/workflow.js';
import type { ProvisionArguments } from './request.js';
import type { VerbAcceptance } from './verb-acceptance.js';

/** Result of a request under the reservation. */
interface Accepted {
  readonly node: Node;
  /** The operation takes over the reservation. */
  readonly operation: JournaledOperation | null;
  /** Called once the reservation is released. */
  readonly afterwards?: () => void;
}

interface Limits {
  power_state_change_timeout: number;
  soft_power_off_timeout: number;
}

/** Accepts verbs: checks them before the answer, journals the work, then passes it to the runner. */
export class VerbService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      transitions: Transitions;
      registry: DriverRegistry;
      reservations: Reservations;
      writer: JournalWriter;
      changes: Changes;
      runner: OperationRunner;
      acceptance: VerbAcceptance;
      host: string;
      settings: Limits;
    },
  ) {}

  /**
   * Durable once it returns; all checks are done by then.
   * @param ident uuid or name, or the node as it was just read
   */
  async provision(
    ident: string | Node,
    verb: ProvisionVerb,
    args: ProvisionArguments,
    by: Actor,
  ): Promise<Node> {
    const seen = typeof ident === 'string' ? await this.deps.nodes.get(ident) : ident;
    legalMove(seen, verb);
    return this.#reserving(seen.uuid, async (reservation) => {
      const held = reservation.node;
      const move = legalMove(held, verb);
      const work = await this.deps.acceptance.accept({ reservation, verb, move, args });
      if (verb === 'abort' || verb === 'unhold') {
        const told = await this.#tell(reservation, verb, by);
        if (told) return told;
      }
      const draft = new NodeDraft(held, this.deps.nodes);
      const driver_internal_info = work && withoutLeftBehind(draft.node, work.kind);
      if (driver_internal_info) draft.put({ driver_internal_info });
      const changes = { last_error: null, ...work?.changes };
      const planned = this.deps.transitions.plan(held, VERBS[verb].event, { changes, actor: by });
      const begins = work && {
        node_uuid: held.uuid,
        kind: work.kind,
        steps: work.plan({ ...held, ...planned.changes } as Node),
        actor: by,
        conductor: this.deps.host,
      };
      const superseding = `Superseded by "${verb}".`;
      const entry = { work: begins, superseding, moves: [planned], release: begins === null };
      const operation = await this.deps.writer.accept({ draft, reservation }, entry);
      const { row } = draft;
      return { node: row, operation };
    });
  }

  /** Notifies the open operation of an abort or of the end of its hold. @returns null for an abort without open work */
  async #tell(
    { node: held, fence }: Reservation,
    verb: 'abort' | 'unhold',
    by: Actor,
  ): Promise<Accepted | null> {
    const { source, nodes, operations, transitions, changes, runner } = this.deps;
    const open = await operations.openOf(held.uuid);
    if (verb === 'abort') {
      if (!open) return null;
      if (open.abort_requested) await this.#refuseSecondAbort(held, open.id);
      const note = () =>
        inTransaction(source, async (manager) => {
          await operations.requestAbort(open.id, by, manager);
          await changes.write(abortOf(held.uuid, by), manager);
        });
      await foundOut(note, note);
      return { node: held, operation: null, afterwards: () => runner.deliver(open.id, { on: 'abort' }) };
    }
    if (open?.state !== 'held') throw new ConflictError(`Node ${held.uuid} has no work on hold.`);
    const cleared = { last_error: null };
    const letGo = () =>
      transitions.fire(held, fence, VERBS[verb].event, { changes: cleared, actor: by }, (manager) =>
        operations.release(open.id, HOLD_OVER, manager),
      );
    const node = await foundOut(letGo, () =>
      inTransaction(source, async (manager) => {
        const now = await nodes.reservations.lockRow(held.uuid, manager);
        return now && now.provision_state !== held.provision_state ? now : null;
      }),
    );
    return { node, operation: null, afterwards: () => runner.deliver(open.id, { on: 'wake', why: 'poll' }) };
  }

  /** @throws ConflictError when the first abort waits for a step that cannot be aborted */
  async #refuseSecondAbort(node: Node, id: string): Promise<void> {
    const journal = (await this.deps.operations.load(id))?.journal;
    const step = journal?.steps[journal.cursor];
    if (journal?.state !== 'waiting' || !step || step.abortable) return;
    throw new ConflictError(
      `The abort of node ${node.uuid} was requested already. It takes effect when the step ` +
        `"${step.interface}.${step.name}" ends, which cannot be aborted.`,
    );
  }

  /** Accepted work continues under the reservation; without work the reservation is released. */
  async #reserving(uuid: string, accept: (reservation: Reservation) => Promise<Accepted>): Promise<Node> {
    const reservation = await this.deps.reservations.acquire(uuid, true);
    let accepted: Accepted;
    try {
      accepted = await accept(reservation);
    } catch (error) {
      await reservation.release();
      throw error;
    }
    const { operation, node, afterwards } = accepted;
    if (operation) this.deps.runner.begin({ operation, reservation, node });
    else await reservation.release();
    afterwards?.();
    return node;
  }

  /** Durable once it returns; the work runs in the background. @param timeout seconds */
  async setPower(ident: string, target: PowerTarget, timeout: number | null, by: Actor): Promise<Node> {
    const { host, nodes, writer } = this.deps;
    const uuid = ident === canonicalUuid(ident) ? ident : (await nodes.get(ident)).uuid;
    return this.#reserving(uuid, async (reservation) => {
      const held = reservation.node;
      this.#refusePower(held, target);
      const steps = [
        plannedFrom(ownStep('set_power_state'), { target, timeout: this.#powerTimeout(target, timeout) }),
      ];
      const draft = new NodeDraft(held, nodes);
      const entry = {
        work: { node_uuid: held.uuid, kind: 'power' as const, steps, actor: by, conductor: host },
        superseding: null,
        changes: { target_power_state: settledPower(target), last_error: null },
        told: [powerOf(held.uuid, target, by)],
      };
      const operation = await writer.accept({ draft, reservation }, entry).catch((error: unknown) => {
        if (brokenUnique(error) !== null) throw new LockedError(held.uuid, host);
        throw error;
      });
      return { node: draft.row, operation };
    });
  }

  /** @returns ms */
  #powerTimeout(target: PowerTarget, seconds: number | null): number {
    const { soft_power_off_timeout, power_state_change_timeout } = this.deps.settings;
    const usual = target.startsWith('soft') ? soft_power_off_timeout : power_state_change_timeout;
    return (seconds ?? usual) * 1000;
  }

  #refusePower(node: Node, target: PowerTarget): void {
    if (factsOfRow(node).powerLocked) {
      throw new InvalidError(
        `The requested action "${target}" can not be performed on node "${node.uuid}" while it is in state ` +
          `"${node.provision_state}".`,
      );
    }
    if (!this.deps.registry.resolve(node).power.targets.includes(target)) {
      throw new InvalidError(
        `The driver of node ${node.uuid} does not support the power target "${target}".`,
      );
    }
    if (node.disable_power_off && target !== 'power on' && !target.includes('reboot')) {
      throw new ConflictError(`Power off is disabled for node ${node.uuid}.`);
    }
  }
}

/** @throws LockedError or InvalidError with Ironic's messages */
function legalMove(node: Node, verb: ProvisionVerb): Transition {
  const move = moveOrRefusal(node, verb, holderOf(node));
  if (move instanceof Error) throw move;
  return move;
}

function abortOf(node_uuid: string, actor: Actor): Change {
  const text = 'The work under way was asked to end.';
  return { kind: 'node.provision', node_uuid, resource: 'abort', actor, text };
}

function powerOf(node_uuid: string, target: PowerTarget, actor: Actor): Change {
  const fields = ['target_power_state', 'last_error'];
  return { kind: 'node.power', node_uuid, resource: target, actor, text: `Asked for: ${target}.`, fields };
}

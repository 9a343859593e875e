import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import { isProvisionState, next } from '../../domain/provision/machine.js';
import type { ProvisionEvent, ProvisionState } from '../../domain/provision/table.js';
import type { Journal } from '../../domain/step/advance.js';
import type { AllocationRepository } from '../../persistence/allocation/allocation.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type {
  JournaledOperation,
  OperationRepository,
} from '../../persistence/operation/operation.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { CleaningPlan } from '../workflow/cleaning-plan.js';
import type { Workflow } from '../workflow/workflow.js';
import { WORKFLOWS } from '../workflow/workflows.js';
import type { Failpoint } from './failpoint.js';
import type { JournalWriter } from './journal-writer.js';
import type { NodeContexts } from './node-context.js';
import type { NodeDraft } from './node-draft.js';
import type { Reservation } from './reservation.js';
import type { Move, Transitions } from './transition.js';

/** The last commits of an operation: result, provision state and event, and the work that follows it, at once. */
export class OperationEnd {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      allocations: AllocationRepository;
      transitions: Transitions;
      writer: JournalWriter;
      contexts: NodeContexts;
      cleaning: CleaningPlan;
      failpoint: Failpoint;
      host: string;
      log: Logger;
    },
  ) {}

  /** @param begin starts an operation that this one was followed by, once it is committed */
  async finish(
    operation: JournaledOperation,
    journal: Journal,
    reservation: Reservation,
    draft: NodeDraft,
    signal: AbortSignal,
    begin: (id: string) => void,
  ): Promise<void> {
    const workflow = WORKFLOWS[operation.kind];
    if (journal.result!.is === 'succeeded') {
      this.deps.failpoint(`${operation.kind}.end`);
      const follows = await this.#succeed(workflow, operation, journal, reservation, draft);
      if (follows) begin(follows);
      return;
    }
    if (operation.journal.state !== 'ending') {
      await this.deps.writer.commit(operation, journal, null, draft, reservation);
    }
    await this.#cleanUp(workflow, operation, draft.row, reservation, signal);
    this.deps.failpoint(`${operation.kind}.end`);
    await this.#fail(workflow, operation, journal, reservation, draft);
  }

  /** @returns the operation that follows, once it is committed */
  async #succeed(
    workflow: Workflow,
    operation: JournaledOperation,
    journal: Journal,
    reservation: Reservation,
    draft: NodeDraft,
  ): Promise<string | null> {
    const requestId = operation.request_id;
    const { row } = draft;
    const resumed =
      isProvisionState(row.provision_state) && workflow.waits && next(row.provision_state, 'resume')
        ? this.deps.transitions.plan(row, 'resume', { requestId })
        : null;
    const at = { ...row, ...resumed?.changes } as Node;
    const { event, changes } = workflow.succeed(at);
    const ended = event ? this.deps.transitions.plan(at, event, { changes, requestId }) : null;
    const moves = [resumed, ended].filter((move) => move !== null);
    const commit = (release: boolean, manager?: EntityManager) =>
      this.deps.writer.commit(
        operation,
        journal,
        null,
        draft,
        reservation,
        { moves, changes, release },
        manager,
      );
    if (operation.kind !== 'teardown') {
      await commit(true);
      return null;
    }
    const { operations } = this.deps;
    const write = () =>
      inTransaction(this.deps.source, async (manager) => {
        await commit(false, manager);
        await this.deps.allocations.deleteOfNode(row.uuid, manager);
        const steps = this.deps.cleaning.automated(draft.row);
        const created = await operations.create(
          { node_uuid: row.uuid, kind: 'clean', steps, request_id: requestId, conductor: this.deps.host },
          manager,
        );
        return created.id;
      });
    const follows = await foundOut(write, () => this.#cleaningOf(row.uuid));
    this.deps.transitions.tell(row, moves);
    return follows;
  }

  /** The cleaning behind a tear-down, once both are written. */
  #cleaningOf(node: string): Promise<string | null> {
    return inTransaction(this.deps.source, async (manager) => {
      await this.deps.nodes.reservations.lockRow(node, manager);
      const open = await this.deps.operations.openOf(node, manager);
      return open?.kind === 'clean' ? open.id : null;
    });
  }

  async #fail(
    workflow: Workflow,
    operation: JournaledOperation,
    journal: Journal,
    reservation: Reservation,
    draft: NodeDraft,
  ): Promise<void> {
    const { transitions } = this.deps;
    const { row } = draft;
    const requestId = operation.request_id;
    const { events, followedBy, changes } = workflow.fail({
      node: row,
      aborted: journal.result!.is === 'aborted',
      message: journal.result!.message,
      executing: executing(journal),
    });
    const state = row.provision_state;
    const event = events.find((name: ProvisionEvent) => isProvisionState(state) && next(state, name));
    const moves: Move[] = event ? [transitions.plan(row, event, { changes, requestId })] : [];
    const at = { ...row, ...moves[0]?.changes } as Node;
    if (event && followedBy && next(at.provision_state as ProvisionState, followedBy)) {
      moves.push(transitions.plan(at, followedBy, { requestId }));
    }
    const after: Journal = { ...journal, state: 'finished' };
    const entry = { moves, changes, release: true };
    await this.deps.writer.commit(operation, after, null, draft, reservation, entry);
  }

  async #cleanUp(
    workflow: Workflow,
    operation: JournaledOperation,
    node: Node,
    reservation: Reservation,
    signal: AbortSignal,
  ): Promise<void> {
    if (!workflow.cleanUp) return;
    const { result } = operation.journal;
    const reason = result?.message ?? 'aborted';
    try {
      const context = await this.deps.contexts.forWork(reservation, node, signal);
      await workflow.cleanUp(context, {
        uuid: operation.uuid,
        reason,
        aborted: result?.is === 'aborted',
        executing: executing(operation.journal),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseAway(error)) throw error;
      // The failure itself is what the operator must see; a machine that cannot be tidied up is a line in the log.
      this.deps.log.warn(
        { node: node.uuid, error: messageOf(error) },
        'the failed work could not be cleaned up',
      );
    }
  }
}

/** The step that failed, where users see it: `deploy.erase_devices`. */
function executing({ steps }: Journal): string | null {
  const failed = steps.find((step) => step.state === 'failed');
  return failed?.visible ? `${failed.interface}.${failed.name}` : null;
}

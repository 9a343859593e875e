import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import type { Change } from '../../domain/change.js';
import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import { isProvisionState, next } from '../../domain/provision/machine.js';
import type { ProvisionEvent, ProvisionState } from '../../domain/provision/table.js';
import type { Journal } from '../../domain/step/advance.js';
import type { AllocationRepository } from '../../persistence/allocation/allocation.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { OperationRepository } from '../../persistence/operation/operation.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { CleaningPlan } from '../workflow/cleaning-plan.js';
import { WORKFLOWS } from '../workflow/workflows.js';
import { deallocation } from './changes.js';
import type { Failpoint } from './failpoint.js';
import type { JournalWriter } from './journal-writer.js';
import type { NodeContexts } from './node-context.js';
import type { Run } from './run.js';
import type { Move, Transitions } from './transition.js';

/** The last commits of an operation: result, provision state, event and the following operation, together. */
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

  /**
   * @param journal the new journal, with the result
   * @param begin starts the following operation, once it is committed
   */
  async finish(run: Run, journal: Journal, begin: (id: string) => void): Promise<void> {
    const { operation } = run;
    const { kind } = operation;
    if (journal.result!.is === 'succeeded') {
      this.deps.failpoint(`${kind}.end`);
      const follows = await this.#succeed(run, journal);
      if (follows) begin(follows);
      return;
    }
    if (operation.journal.state !== 'ending') await this.deps.writer.commit(run, { journal });
    await this.#cleanUp(run);
    this.deps.failpoint(`${kind}.end`);
    await this.#fail(run, journal);
  }

  /** @returns the id of the following operation, once it is committed */
  async #succeed(run: Run, journal: Journal): Promise<string | null> {
    const { operation, draft, actor } = run;
    const { transitions, writer } = this.deps;
    const { row } = draft;
    const workflow = WORKFLOWS[operation.kind];
    const resumed =
      isProvisionState(row.provision_state) && workflow.waits && next(row.provision_state, 'resume')
        ? transitions.plan(row, 'resume', { actor })
        : null;
    const at = { ...row, ...resumed?.changes } as Node;
    const { event, changes } = workflow.succeed(at);
    const ended = event ? transitions.plan(at, event, { changes, actor }) : null;
    const moves = [resumed, ended].filter((move) => move !== null);
    if (operation.kind === 'teardown') return this.#tornDown(run, { journal, moves, changes });
    const told = moves.length > 0 ? [] : [endOf(run, null)];
    await writer.commit(run, { journal, moves, changes, told, release: true });
    return null;
  }

  /** The cleaning is created in the same transaction. */
  async #tornDown(
    run: Run,
    entry: { journal: Journal; moves: readonly Move[]; changes: NodeChanges },
  ): Promise<string> {
    const { operations, transitions, writer, allocations, cleaning, source, host } = this.deps;
    const { draft, operation } = run;
    const { uuid } = draft.row;
    const write = () =>
      inTransaction(source, async (manager) => {
        const told = draft.row.allocation_uuid ? [deallocation(draft.row, run.actor)] : [];
        await writer.commit(run, { ...entry, told }, manager);
        await allocations.deleteOfNode(uuid, manager);
        const steps = cleaning.automated(draft.row);
        const { actor } = operation;
        const cleans = { node_uuid: uuid, kind: 'clean' as const, steps, actor, conductor: host };
        return (await operations.create(cleans, manager)).id;
      });
    const follows = await foundOut(write, () => this.#cleaningOf(uuid));
    transitions.tell(draft.row, entry.moves);
    return follows;
  }

  /** The cleaning that follows the tear-down, once both are written. */
  #cleaningOf(node: string): Promise<string | null> {
    return inTransaction(this.deps.source, async (manager) => {
      await this.deps.nodes.reservations.lockRow(node, manager);
      const open = await this.deps.operations.openOf(node, manager);
      return open?.kind === 'clean' ? open.id : null;
    });
  }

  async #fail(run: Run, journal: Journal): Promise<void> {
    const { transitions, writer } = this.deps;
    const { operation, draft, actor } = run;
    const { row } = draft;
    const { events, followedBy, changes } = WORKFLOWS[operation.kind].fail({
      node: row,
      aborted: journal.result!.is === 'aborted',
      message: journal.result!.message,
      executing: executing(journal),
    });
    const state = row.provision_state;
    const event = events.find((name: ProvisionEvent) => isProvisionState(state) && next(state, name));
    const moves: Move[] = event ? [transitions.plan(row, event, { changes, actor })] : [];
    const at = { ...row, ...moves[0]?.changes } as Node;
    if (event && followedBy && next(at.provision_state as ProvisionState, followedBy)) {
      moves.push(transitions.plan(at, followedBy, { actor }));
    }
    const after: Journal = { ...journal, state: 'finished' };
    const told = moves.length > 0 ? [] : [endOf(run, changes.last_error ?? journal.result!.message)];
    await writer.commit(run, { journal: after, moves, changes, told, release: true });
  }

  async #cleanUp({ operation, draft, reservation, signal }: Run): Promise<void> {
    const { contexts } = this.deps;
    const { cleanUp } = WORKFLOWS[operation.kind];
    if (!cleanUp) return;
    const node = draft.row;
    const { result } = operation.journal;
    const reason = result?.message ?? 'aborted';
    try {
      const failed = {
        uuid: operation.uuid,
        reason,
        aborted: result?.is === 'aborted',
        executing: executing(operation.journal),
      };
      await contexts.forWork(reservation, node, signal, (context) => cleanUp(context, failed));
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseAway(error)) throw error;
      // The operator must see the failure itself; an error of the clean-up is only logged.
      this.deps.log.warn(
        { node: node.uuid, error: messageOf(error) },
        'the failed work could not be cleaned up',
      );
    }
  }
}

/** The event for work that changes no provision state: power, an action. @param error null after success */
function endOf({ operation, actor }: Run, error: string | null): Change {
  const { kind, node_uuid, journal } = operation;
  const what = journal.steps[0]?.name ?? kind;
  const text = error ?? `Done: ${what.replaceAll('_', ' ')}.`;
  return { kind: kind === 'power' ? 'node.power' : 'node.action', node_uuid, resource: what, actor, text };
}

/** The failed step as users see it: `deploy.erase_devices`. */
function executing({ steps }: Journal): string | null {
  const failed = steps.find((step) => step.state === 'failed');
  return failed?.visible ? `${failed.interface}.${failed.name}` : null;
}

import type { DataSource, EntityManager } from 'typeorm';
import type { AllocationRepository } from '../allocation/allocation.repository.js';
import { inTransaction } from '../database/data-source.js';
import { messageOf } from '../domain/errors.js';
import { isProvisionState, next } from '../domain/provision/machine.js';
import type { ProvisionEvent, ProvisionState } from '../domain/provision/table.js';
import type { Journal } from '../domain/step/advance.js';
import type { Node } from '../node/node.entity.js';
import type { NodeRepository } from '../node/node.repository.js';
import type { JournaledOperation, OperationRepository } from '../operation/operation.repository.js';
import type { Logger } from '../platform/logger.js';
import type { CleaningPlan } from './cleaning-plan.js';
import type { Failpoint } from './failpoint.js';
import type { NodeContexts } from './node-context.js';
import type { Lease } from './reservation.js';
import type { Transitions } from './transition.js';
import type { Workflow } from './workflow/workflow.js';
import { WORKFLOWS } from './workflow/workflows.js';

/** The last commits of an operation: result, provision state and event, and the work that follows it, at once. */
export class OperationEnd {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      allocations: AllocationRepository;
      transitions: Transitions;
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
    lease: Lease,
    signal: AbortSignal,
    begin: (id: string) => void,
  ): Promise<void> {
    const workflow = WORKFLOWS[operation.kind];
    if (journal.result!.is === 'succeeded') {
      this.deps.failpoint(`${operation.kind}.end`);
      const follows = await inTransaction(this.deps.source, (manager) =>
        this.#succeed(workflow, operation, journal, lease, manager),
      );
      if (follows) begin(follows);
      return;
    }
    const { nodes, operations, source } = this.deps;
    const node = await inTransaction(source, async (manager) => {
      const held = await nodes.assertHeld(lease.node.uuid, lease.fence, manager);
      if (operation.journal.state !== 'ending') await operations.commit(operation, journal, null, manager);
      return held;
    });
    operation.journal = journal;
    await this.#cleanUp(workflow, operation, node, lease, signal);
    this.deps.failpoint(`${operation.kind}.end`);
    await inTransaction(this.deps.source, (manager) =>
      this.#fail(workflow, operation, journal, lease, manager),
    );
  }

  async #succeed(
    workflow: Workflow,
    operation: JournaledOperation,
    journal: Journal,
    lease: Lease,
    manager: EntityManager,
  ): Promise<string | null> {
    const requestId = operation.request_id;
    const node = await this.deps.nodes.assertHeld(lease.node.uuid, lease.fence, manager);
    await this.deps.operations.commit(operation, journal, null, manager);
    let at = node;
    if (isProvisionState(at.provision_state) && workflow.waits && next(at.provision_state, 'resume')) {
      at = await this.deps.transitions.fire(at, lease.fence, 'resume', { requestId }, manager);
    }
    const { event, changes } = workflow.succeed(at);
    if (!event) {
      await this.deps.nodes.update(node.uuid, changes, lease.fence, manager);
      return null;
    }
    const moved = await this.deps.transitions.fire(at, lease.fence, event, { changes, requestId }, manager);
    if (operation.kind !== 'teardown') return null;
    await this.deps.allocations.deleteOfNode(node.uuid, manager);
    const steps = this.deps.cleaning.automated(moved);
    const created = await this.deps.operations.create(
      { node_uuid: node.uuid, kind: 'clean', steps, request_id: requestId, conductor: this.deps.host },
      manager,
    );
    return created.id;
  }

  async #fail(
    workflow: Workflow,
    operation: JournaledOperation,
    journal: Journal,
    lease: Lease,
    manager: EntityManager,
  ): Promise<void> {
    const node = await this.deps.nodes.assertHeld(lease.node.uuid, lease.fence, manager);
    await this.deps.operations.commit(operation, { ...journal, state: 'finished' }, null, manager);
    const { events, followedBy, changes } = workflow.fail({
      node,
      aborted: journal.result!.is === 'aborted',
      message: journal.result!.message,
      executing: executing(journal),
    });
    const state = node.provision_state;
    const event = events.find((name: ProvisionEvent) => isProvisionState(state) && next(state, name));
    if (event) {
      const requestId = operation.request_id;
      const at = await this.deps.transitions.fire(node, lease.fence, event, { changes, requestId }, manager);
      if (followedBy && next(at.provision_state as ProvisionState, followedBy)) {
        await this.deps.transitions.fire(at, lease.fence, followedBy, { requestId }, manager);
      }
    } else {
      await this.deps.nodes.update(node.uuid, changes, lease.fence, manager);
    }
  }

  async #cleanUp(
    workflow: Workflow,
    operation: JournaledOperation,
    node: Node,
    lease: Lease,
    signal: AbortSignal,
  ): Promise<void> {
    if (!workflow.cleanUp) return;
    const { result } = operation.journal;
    const reason = result?.message ?? 'aborted';
    try {
      const context = await this.deps.contexts.forWork(lease, node, signal);
      await workflow.cleanUp(context, {
        uuid: operation.uuid,
        reason,
        aborted: result?.is === 'aborted',
        executing: executing(operation.journal),
      });
    } catch (error) {
      signal.throwIfAborted();
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

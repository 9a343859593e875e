import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { foundOut } from '../../database/found-out.js';
import { brokenUnique } from '../../database/statement.js';
import type { Actor } from '../../domain/actor.js';
import type { Change } from '../../domain/change.js';
import { LockedError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { StepEvent } from '../../domain/step/advance.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import { type OperationRepository, stepPlace } from '../../persistence/operation/operation.repository.js';
import { ownStep } from '../workflow/own-steps.js';
import { plannedFrom } from '../workflow/workflow.js';
import type { Changes } from './changes.js';

/** The node is locked by its previous action, which holds the reservation or is about to. */
class StillOpen extends LockedError {}

/**
 * Actions: operations of one step, independent of any workflow of the node. The client is answered before the action is
 * done; a failure becomes the node's last_error.
 */
export class Actions {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      changes: Changes;
      runner: { deliver(id: string, event: StepEvent): void };
      host: string;
      settings: { node_locked_retry_attempts: number; node_locked_retry_interval: number };
    },
  ) {}

  /** Runs `work`, which begins an action; retries as configured while the node's previous action is open. */
  async retried<T>(work: () => Promise<T>): Promise<T> {
    const { node_locked_retry_attempts: attempts, node_locked_retry_interval: interval } = this.deps.settings;
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StillOpen) || attempt >= attempts) throw error;
        await sleep(interval * 1000);
      }
    }
  }

  /**
   * The action is durable once this returns.
   * @param args sealed in the journal: they may hold what clients call secret
   * @param fence of the reservation under which the request was checked; null when it was checked without one
   * @throws LockedError while another action of the node is open
   */
  async begin(node: Node, step: string, args: JsonObject, fence: Fence | null, actor: Actor): Promise<void> {
    const { source, nodes, operations, changes, runner, host } = this.deps;
    const uuid = randomUUID();
    const sealed = nodes.sealText(JSON.stringify(args), stepPlace(uuid, 0, 'args'));
    const write = () =>
      inTransaction(source, async (manager) => {
        if (fence) await nodes.update(node.uuid, { last_error: null }, fence, manager);
        await changes.write(actionOf(node, step, actor), manager);
        const steps = [plannedFrom(ownStep(step), { sealed })];
        const row = {
          uuid,
          node_uuid: node.uuid,
          kind: 'action' as const,
          steps,
          actor,
          conductor: host,
        };
        return (await operations.create(row, manager)).id;
      });
    const written = async (): Promise<string | null> =>
      inTransaction(source, async (manager) => {
        await nodes.reservations.lockRow(node.uuid, manager);
        return operations.idOf(uuid, manager);
      });
    const id = await foundOut(write, written).catch((error: unknown) => {
      if (brokenUnique(error) !== null) throw new StillOpen(node.uuid, host);
      throw error;
    });
    runner.deliver(id, { on: 'begin' });
  }
}

/** @param what the step's name, or another name of the action */
export function actionOf({ uuid }: Pick<Node, 'uuid'>, what: string, actor: Actor): Change {
  const text = `Asked of the machine: ${what.replaceAll('_', ' ')}.`;
  return { kind: 'node.action', node_uuid: uuid, resource: what, actor, text };
}

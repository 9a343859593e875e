import type { DataSource } from 'typeorm';
import { inTransaction } from '../database/data-source.js';
import { brokenUnique } from '../database/statement.js';
import { ConflictError, InvalidError, LockedError } from '../domain/errors.js';
import { type PowerTarget, settledPower } from '../domain/power/power.js';
import { isProvisionState, nextByVerb } from '../domain/provision/machine.js';
import { type ProvisionVerb, type Transition, VERBS } from '../domain/provision/table.js';
import type { DriverRegistry } from '../driver/registry.js';
import type { Node } from '../node/node.entity.js';
import type { NodeRepository } from '../node/node.repository.js';
import type { OperationRepository } from '../operation/operation.repository.js';
import type { ProvisionArguments, Requester } from './conductor.js';
import type { NodeDesk } from './node-desk.js';
import type { OperationRunner } from './operation-runner.js';
import type { Transitions } from './transition.js';
import type { VerbAcceptance } from './verb-acceptance.js';
import { ownStep, RELEASED } from './workflow/own-steps.js';
import { plannedFrom } from './workflow/workflow.js';

interface Limits {
  power_state_change_timeout: number;
  soft_power_off_timeout: number;
}

/** Accepts verbs: checks before the answer, then journals the work, then hands it to the runner. */
export class VerbDesk {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      operations: OperationRepository;
      transitions: Transitions;
      registry: DriverRegistry;
      desk: NodeDesk;
      runner: OperationRunner;
      acceptance: VerbAcceptance;
      host: string;
      limits: Limits;
    },
  ) {}

  async provision(
    ident: string,
    verb: ProvisionVerb,
    args: ProvisionArguments,
    by: Requester,
  ): Promise<Node> {
    const seen = await this.deps.nodes.get(ident);
    legalMove(seen, verb);
    const { node, begin } = await this.deps.desk.reserved(seen.uuid, async (lease) => {
      const held = lease.node;
      const move = legalMove(held, verb);
      const work = await this.deps.acceptance.accept(held, verb, move, args, lease.signal);
      return inTransaction(this.deps.source, async (manager) => {
        const open = await this.deps.operations.openOf(held.uuid, manager);
        if (verb === 'abort' && open) {
          await this.deps.operations.requestAbort(open.id, manager);
          return { node: held, begin: { id: open.id, event: { on: 'abort' as const } } };
        }
        if (verb === 'unhold') {
          if (open?.state !== 'held') throw new ConflictError(`Node ${held.uuid} has no work on hold.`);
          await this.deps.operations.release(open.id, RELEASED, manager);
        } else if (open) await this.deps.operations.supersede(open.id, `Superseded by "${verb}".`, manager);
        const changes = { last_error: null, ...work?.changes };
        const event = VERBS[verb].event;
        const moved = await this.deps.transitions.fire(held, lease.fence, event, { changes, by }, manager);
        if (verb === 'unhold') {
          return {
            node: moved,
            begin: { id: open!.id, event: { on: 'wake' as const, why: 'poll' as const } },
          };
        }
        if (!work) return { node: moved, begin: null };
        const { kind, plan } = work;
        const created = await this.deps.operations.create(
          {
            node_uuid: held.uuid,
            kind,
            steps: plan(moved),
            request_id: by.request_id,
            conductor: this.deps.host,
          },
          manager,
        );
        return { node: moved, begin: { id: created.id, event: { on: 'begin' as const } } };
      });
    });
    if (begin) this.deps.runner.deliver(begin.id, begin.event);
    return node;
  }

  async setPower(ident: string, target: PowerTarget, timeout: number | null, by: Requester): Promise<Node> {
    const { limits, operations, nodes, registry } = this.deps;
    const { id, node } = await this.deps.desk.reserved(ident, async ({ node: held, fence }) => {
      if (['cleaning', 'clean wait'].includes(held.provision_state)) {
        throw new InvalidError(
          `The requested action "${target}" can not be performed on node "${held.uuid}" while it is in state ` +
            `"${held.provision_state}".`,
        );
      }
      const { power } = registry.resolve(held);
      if (!power.targets.includes(target)) {
        throw new InvalidError(
          `The driver of node ${held.uuid} does not support the power target "${target}".`,
        );
      }
      if (held.disable_power_off && target !== 'power on' && !target.includes('reboot')) {
        throw new ConflictError(`Power off is disabled for node ${held.uuid}.`);
      }
      const soft = target.startsWith('soft');
      const seconds = timeout ?? (soft ? limits.soft_power_off_timeout : limits.power_state_change_timeout);
      const step = plannedFrom(ownStep('set_power_state'), { target, timeout: seconds * 1000 });
      return inTransaction(this.deps.source, async (manager) => {
        const changes = { target_power_state: settledPower(target), last_error: null };
        const updated = await nodes.update(held.uuid, changes, fence, manager);
        const row = {
          node_uuid: held.uuid,
          kind: 'power' as const,
          steps: [step],
          conductor: this.deps.host,
        };
        const created = await operations.create({ ...row, request_id: by.request_id }, manager);
        return { id: created.id, node: updated };
      }).catch((error: unknown) => {
        if (brokenUnique(error) !== null) throw new LockedError(held.uuid, this.deps.host);
        throw error;
      });
    });
    this.deps.runner.deliver(id, { on: 'begin' });
    return node;
  }
}

/** @throws LockedError or InvalidError in Ironic's words */
function legalMove(node: Node, verb: ProvisionVerb): Transition {
  const state = node.provision_state;
  const move = isProvisionState(state) ? nextByVerb(state, verb) : null;
  if (move) return move;
  const busy = node.reservation && node.reservation_expires_at && node.reservation_expires_at > new Date();
  if (busy) throw new LockedError(node.uuid, node.reservation!);
  throw new InvalidError(
    `The requested action "${verb}" can not be performed on node "${node.uuid}" while it is in state "${state}".`,
  );
}

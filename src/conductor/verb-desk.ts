import type { DataSource } from 'typeorm';
import { inTransaction } from '../database/data-source.js';
import { brokenUnique } from '../database/statement.js';
import {
  ConflictError,
  ForbiddenError,
  InvalidError,
  LockedError,
  messageOf,
  UnavailableError,
  UnsupportedError,
} from '../domain/errors.js';
import { type PowerTarget, settledPower } from '../domain/power/power.js';
import { isProvisionState, nextByVerb } from '../domain/provision/machine.js';
import { type ProvisionVerb, type Transition, VERBS } from '../domain/provision/table.js';
import { type JsonObject, orderSteps, type PlannedStep } from '../domain/step/step.js';
import type { Interfaces } from '../driver/contract/interfaces.js';
import type { DriverRegistry } from '../driver/registry.js';
import type { Node } from '../node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../node/node.repository.js';
import type { OperationKind, OperationRepository } from '../operation/operation.repository.js';
import type { CleaningPlan } from './cleaning-plan.js';
import type { ProvisionArguments, Requester } from './conductor.js';
import type { NodeContexts } from './node-context.js';
import type { NodeDesk } from './node-desk.js';
import type { OperationRunner } from './operation-runner.js';
import type { Transitions } from './transition.js';
import { OWN_STEPS } from './workflow/own-steps.js';
import { plannedFrom, planSteps } from './workflow/workflow.js';

interface Limits {
  max_concurrent_deploy: number;
  max_concurrent_clean: number;
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
      contexts: NodeContexts;
      registry: DriverRegistry;
      desk: NodeDesk;
      runner: OperationRunner;
      cleaning: CleaningPlan;
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
      const work = await this.#accept(held, verb, move, args, lease.signal);
      return inTransaction(this.deps.source, async (manager) => {
        const open = await this.deps.operations.openOf(held.uuid, manager);
        if (verb === 'abort' && open) {
          await this.deps.operations.requestAbort(open.id, manager);
          return { node: held, begin: { id: open.id, event: { on: 'abort' as const } } };
        }
        if (open) await this.deps.operations.supersede(open.id, `Superseded by "${verb}".`, manager);
        const changes = { last_error: null, ...work?.changes };
        const event = VERBS[verb].event;
        const moved = await this.deps.transitions.fire(held, lease.fence, event, { changes, by }, manager);
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
      const step = plannedFrom(
        { ...OWN_STEPS.find((own) => own.name === 'set_power_state')!, kind: 'verify' },
        { target, timeout: seconds * 1000 },
      );
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

  /** Everything that is checked before 202. @returns null for a verb that only moves the state */
  async #accept(
    node: Node,
    verb: ProvisionVerb,
    move: Transition,
    args: ProvisionArguments,
    signal: AbortSignal,
  ): Promise<{ kind: OperationKind; changes?: NodeChanges; plan: (moved: Node) => PlannedStep[] } | null> {
    const { event } = VERBS[verb];
    const { registry, cleaning, limits } = this.deps;
    if (event === 'deploy' || event === 'rebuild' || event === 'delete') {
      if (node.protected && event !== 'deploy') {
        throw new ForbiddenError(
          `Node ${node.uuid} is protected and cannot be undeployed, rebuilt or deleted.`,
        );
      }
    }
    switch (event) {
      case 'manage':
        return move.to === 'verifying'
          ? { kind: 'verify', plan: () => [plannedFrom(ownVerify(), {})] }
          : null;
      case 'abort':
        return null;
      case 'provide':
        if (node.retired) {
          throw new InvalidError(
            `Node ${node.uuid} can not be provided because it is retired: set retired to false.`,
          );
        }
        await this.#room('clean', limits.max_concurrent_clean);
        return { kind: 'clean', plan: (moved) => cleaning.automated(moved) };
      case 'clean': {
        const { clean_steps } = args;
        if (!clean_steps) throw new InvalidError('Missing required parameter(s): clean_steps');
        if (args.disable_ramdisk)
          throw new UnsupportedError('Cleaning without the ramdisk is not built yet.');
        await this.#room('clean', limits.max_concurrent_clean);
        return { kind: 'clean', plan: (moved) => cleaning.manual(moved, clean_steps) };
      }
      case 'deploy':
      case 'rebuild': {
        if (node.maintenance) {
          throw new InvalidError(
            `The ${event === 'deploy' ? 'deploy' : 'rebuild'} operation can't be performed on node ${node.uuid} ` +
              `because it's in maintenance mode.`,
          );
        }
        const secrets = this.deps.nodes.withSecrets(node);
        const instance_info = { ...secrets.instance_info };
        if (args.configdrive !== undefined) instance_info['configdrive'] = args.configdrive;
        else if (event === 'rebuild') delete instance_info['configdrive'];
        await this.#validateDeploy({ ...node, ...secrets, instance_info }, signal);
        await this.#room('deploy', limits.max_concurrent_deploy);
        const steps = mergeDeploySteps(registry.resolve(node), args.deploy_steps ?? []);
        return { kind: 'deploy', changes: { instance_info }, plan: () => steps };
      }
      case 'delete':
        return { kind: 'teardown', plan: (moved) => planSteps(registry.resolve(moved), 'teardown') };
      case 'inspect':
      case 'rescue':
      case 'unrescue':
        throw new UnsupportedError(
          `Driver ${node.driver} does not support ${event === 'unrescue' ? 'rescue' : event} (disabled or not implemented).`,
        );
      case 'adopt':
      case 'service':
      case 'unhold':
        throw new UnsupportedError(`The verb "${verb}" is not built yet.`);
    }
  }

  async #validateDeploy(node: Node, signal: AbortSignal): Promise<void> {
    const open = {
      ...node,
      driver_info_sealed: null,
      instance_info_sealed: null,
      driver_internal_info_sealed: null,
    };
    const context = await this.deps.contexts.forReading(open, signal);
    for (const kind of ['power', 'deploy'] as const) {
      try {
        await context.all[kind].validate(context);
      } catch (error) {
        throw new InvalidError(
          `Failed to validate ${kind} info for node ${node.uuid}. Error: ${messageOf(error)}`,
          {
            cause: error,
          },
        );
      }
    }
  }

  async #room(kind: OperationKind, most: number): Promise<void> {
    if ((await this.deps.operations.countOpen(kind)) >= most) {
      throw new UnavailableError(
        `Concurrent action limit of ${most} for "${kind}" was reached. Please contact your administrator and try later.`,
      );
    }
  }
}

function ownVerify() {
  return { ...OWN_STEPS.find((own) => own.name === 'verify')!, kind: 'verify' as const };
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

/** A user's deploy step replaces priority and arguments of the interface's own step of that name. */
function mergeDeploySteps(
  interfaces: Interfaces,
  wanted: { interface: string; step: string; args?: JsonObject; priority: number }[],
): PlannedStep[] {
  const known = interfaces.steps
    .filter((step) => step.kind === 'deploy')
    .map((step) => plannedFrom(step, {}));
  for (const asked of wanted) {
    const at = known.findIndex((step) => step.interface === asked.interface && step.name === asked.step);
    if (at < 0) {
      throw new InvalidError(
        `node does not support this deploy step: {'interface': '${asked.interface}', 'step': '${asked.step}'}`,
      );
    }
    known[at] = { ...known[at]!, priority: asked.priority, args: asked.args ?? {} };
  }
  return orderSteps(known);
}

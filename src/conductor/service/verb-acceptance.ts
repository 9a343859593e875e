import { InvalidError, isDatabaseAway, messageOf, UnavailableError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { refuseForeignTraits } from '../../domain/node/trait.js';
import { factsOfRow } from '../../domain/provision/machine.js';
import { refusalByFlags } from '../../domain/provision/refusal.js';
import { type ProvisionVerb, type Transition, VERBS } from '../../domain/provision/table.js';
import { orderSteps, type PlannedStep } from '../../domain/step/step.js';
import type { InterfaceKind, Interfaces } from '../../driver/contract/interfaces.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { DeployTemplateRepository } from '../../persistence/deploy-template/deploy-template.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { OperationKind, OperationRepository } from '../../persistence/operation/operation.repository.js';
import type { NodeContexts } from '../execution/node-context.js';
import type { Reservation } from '../execution/reservation.js';
import { READ_REPORT } from '../inspection/report-reader.js';
import type { CleaningPlan } from '../workflow/cleaning-plan.js';
import { planDeployment } from '../workflow/deploy-steps.js';
import { ownStep } from '../workflow/own-steps.js';
import { planRequested } from '../workflow/requested-steps.js';
import { plannedFrom, planSteps } from '../workflow/workflow.js';
import type { ProvisionArguments } from './request.js';

/** The work that an accepted verb starts. */
export interface AcceptedWork {
  readonly kind: OperationKind;
  /** Written with the move of the state. */
  readonly changes?: NodeChanges;
  readonly plan: (moved: Node) => PlannedStep[];
}

/** A verb that is legal in the node's state, requested under the node's reservation. */
export interface AskedVerb {
  readonly reservation: Reservation;
  readonly verb: ProvisionVerb;
  readonly move: Transition;
  readonly args: ProvisionArguments;
}

type VerbEvent = (typeof VERBS)[ProvisionVerb]['event'];
type Accept = (asked: AskedVerb) => AcceptedWork | null | Promise<AcceptedWork | null>;

/** All checks before a verb is answered 202, and the work that it starts. */
export class VerbAcceptance {
  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      operations: OperationRepository;
      templates: DeployTemplateRepository;
      contexts: NodeContexts;
      registry: DriverRegistry;
      cleaning: CleaningPlan;
      settings: { max_concurrent_deploy: number; max_concurrent_clean: number };
    },
  ) {}

  /** The checks and the work of each verb's event. */
  readonly #byEvent: Readonly<Record<VerbEvent, Accept>> = {
    manage: ({ move }) =>
      move.to === 'verifying'
        ? { kind: 'verify', plan: (moved) => planVerification(this.deps.registry.resolve(moved)) }
        : null,
    abort: ({ move }) => (move.to === 'active' ? this.#backFromService() : null),
    unhold: () => null,
    provide: () => this.#provide(),
    clean: (asked) => this.#clean(asked),
    deploy: (asked) => this.#deploy(asked),
    rebuild: (asked) => this.#deploy(asked),
    delete: ({ reservation: { node } }) => ({
      kind: 'teardown',
      plan: (moved) => planTeardown(this.deps.registry.resolve(moved), node),
    }),
    inspect: (asked) => this.#inspect(asked),
    adopt: () => this.#byInterfaces('adopt'),
    rescue: (asked) => this.#rescue(asked),
    unrescue: async ({ reservation }) => {
      await this.#validateAs('unrescue', reservation, ['power']);
      return this.#byInterfaces('unrescue');
    },
    service: (asked) => this.#service(asked),
  };

  /**
   * @returns null for a verb that only moves the state
   * @throws FerricError with the reason for the refusal
   */
  async accept(asked: AskedVerb): Promise<AcceptedWork | null> {
    const refusal = refusalByFlags(asked.reservation.node, asked.verb, asked.move);
    if (refusal) throw refusal;
    return this.#byEvent[VERBS[asked.verb].event](asked);
  }

  #byInterfaces(kind: 'adopt' | 'unrescue' | 'rescue'): AcceptedWork {
    return { kind, plan: (moved) => planSteps(this.deps.registry.resolve(moved), kind) };
  }

  async #provide(): Promise<AcceptedWork> {
    const { cleaning, settings: limits } = this.deps;
    await this.#refuseOverLimit('clean', limits.max_concurrent_clean);
    return { kind: 'clean', plan: (moved) => cleaning.automated(moved) };
  }

  async #clean({ args }: AskedVerb): Promise<AcceptedWork> {
    const { registry, cleaning, settings: limits } = this.deps;
    const { clean_steps } = args;
    if (!clean_steps) throw new InvalidError('Missing required parameter(s): clean_steps');
    registry.refuseRaw(clean_steps);
    await this.#refuseOverLimit('clean', limits.max_concurrent_clean);
    return {
      kind: 'clean',
      plan: (moved) => cleaning.manual(moved, clean_steps, args.disable_ramdisk ?? false),
    };
  }

  async #inspect({ reservation }: AskedVerb): Promise<AcceptedWork> {
    await this.#validate(reservation, ['power', 'inspect']);
    return {
      kind: 'inspect',
      plan: (moved) => {
        const interfaces = this.deps.registry.resolve(moved);
        const reads = interfaces.inspect.readReport ? [plannedFrom(READ_REPORT, {})] : [];
        return orderSteps([...planSteps(interfaces, 'inspect'), ...reads]);
      },
    };
  }

  async #rescue({ reservation, args }: AskedVerb): Promise<AcceptedWork> {
    const instance_info = {
      ...this.deps.nodes.withSecrets(reservation.node).instance_info,
      rescue_password: args.rescue_password ?? '',
    };
    await this.#validateAs('rescue', reservation, ['power', 'rescue', 'network'], instance_info);
    return { ...this.#byInterfaces('rescue'), changes: { instance_info } };
  }

  async #service({ reservation, args }: AskedVerb): Promise<AcceptedWork> {
    const { registry, settings: limits } = this.deps;
    const { node } = reservation;
    const { service_steps } = args;
    if (!service_steps) throw new InvalidError('Missing required parameter(s): service_steps');
    registry.refuseRaw(service_steps);
    const words = (_kind: InterfaceKind, reason: string) =>
      `Validation of node ${node.uuid} for servicing failed: ${reason}`;
    await this.#validate(reservation, ['power', 'network'], { words });
    await this.#refuseOverLimit('service', limits.max_concurrent_clean);
    const without = args.disable_ramdisk ?? false;
    return {
      kind: 'service',
      plan: (moved) => planRequested(registry.resolve(moved), 'service', service_steps, without),
    };
  }

  /** The node is active at once; the remains of the failed service's ramdisk are removed afterwards. */
  #backFromService(): AcceptedWork {
    return {
      kind: 'service',
      plan: (moved) =>
        planSteps(this.deps.registry.resolve(moved), 'service').filter(
          (step) => step.name === 'tear_down_service',
        ),
    };
  }

  async #deploy({ reservation, args }: AskedVerb): Promise<AcceptedWork> {
    const { node } = reservation;
    const instance_info = { ...this.deps.nodes.withSecrets(node).instance_info };
    if (args.configdrive !== undefined) instance_info['configdrive'] = args.configdrive;
    const failed = (reason: string) =>
      `Failed to validate deploy or power info for node ${node.uuid}: ${reason}`;
    const words = (_kind: InterfaceKind, reason: string) => failed(reason);
    await this.#validate(reservation, ['power', 'deploy'], { words, instance_info });
    const asFailed = <T>(look: () => T): T => {
      try {
        return look();
      } catch (error) {
        throw new InvalidError(failed(messageOf(error)), { cause: error });
      }
    };
    asFailed(() => refuseForeignTraits(node.uuid, node.traits, instance_info['traits']));
    await this.#refuseOverLimit('deploy', this.deps.settings.max_concurrent_deploy);
    const templates = await this.#templates(instance_info['traits']);
    this.deps.registry.refuseRaw([...(args.deploy_steps ?? []), ...templates.flatMap(({ steps }) => steps)]);
    const interfaces = this.deps.registry.resolve(node);
    const steps = asFailed(() => planDeployment(interfaces, args.deploy_steps ?? [], templates));
    return { kind: 'deploy', changes: { instance_info }, plan: () => steps };
  }

  /** Deploy templates that the instance's traits name. */
  async #templates(traits: Json | undefined) {
    const { templates } = this.deps;
    const names = Array.isArray(traits) ? traits.filter((name) => typeof name === 'string') : [];
    const rows = names.length > 0 ? await templates.byNames(names) : [];
    return rows.map((row) => ({ name: row.name, steps: templates.stepsOf(row) }));
  }

  async #validateAs(
    what: 'rescue' | 'unrescue',
    reservation: Reservation,
    kinds: readonly InterfaceKind[],
    instance_info?: JsonObject,
  ): Promise<void> {
    const { node } = reservation;
    const words = (_kind: InterfaceKind, reason: string) =>
      `Failed to ${what} instance ${node.instance_uuid ?? 'None'} for node ${node.uuid}: Validation failed: ${reason}`;
    await this.#validate(reservation, kinds, { words, ...(instance_info ? { instance_info } : {}) });
  }

  /**
   * @param how.words the message of a refusal; without it the interface's own error is thrown
   * @param how.instance_info the future one, in clear
   */
  async #validate(
    reservation: Reservation,
    kinds: readonly InterfaceKind[],
    how: { words?: (kind: InterfaceKind, reason: string) => string; instance_info?: JsonObject } = {},
  ): Promise<void> {
    const { node } = reservation;
    const secrets = this.deps.nodes.withSecrets(node);
    const open = {
      ...node,
      ...secrets,
      instance_info: how.instance_info ?? secrets.instance_info,
      driver_info_sealed: null,
      instance_info_sealed: null,
      driver_internal_info_sealed: null,
    };
    await this.deps.contexts.forReading(
      open,
      { signal: reservation.signal, reservation },
      async (context) => {
        for (const kind of kinds) {
          try {
            await context.all[kind].validate(context);
          } catch (error) {
            if (!how.words || isDatabaseAway(error)) throw error;
            throw new InvalidError(how.words(kind, messageOf(error)), { cause: error });
          }
        }
      },
    );
  }

  async #refuseOverLimit(kind: OperationKind, most: number): Promise<void> {
    if ((await this.deps.operations.countOpen(kind)) >= most) {
      throw new UnavailableError(
        `Concurrent action limit of ${most} for "${kind}" was reached. Please contact your administrator and try later.`,
      );
    }
  }
}

function planTeardown(interfaces: Interfaces, before: Node): PlannedStep[] {
  return [
    ...(factsOfRow(before).rescued ? [plannedFrom(ownStep('clean_up_rescue'), {})] : []),
    ...(before.console_enabled ? [plannedFrom(ownStep('stop_console'), {})] : []),
    ...planSteps(interfaces, 'teardown'),
  ];
}

/** The check of the BMC, preceded by the interfaces' verify steps above priority 100 and followed by the others. */
function planVerification(interfaces: Interfaces): PlannedStep[] {
  const own = planSteps(interfaces, 'verify');
  const before = own.filter(({ priority }) => priority > 100);
  const after = own.filter(({ priority }) => priority <= 100);
  return [...before, plannedFrom(ownStep('verify'), {}), ...after];
}

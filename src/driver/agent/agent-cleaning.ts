import type { DeploySettings } from '../../config/section/deploy.js';
import { FerricError } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import type { PlannedStep, StepOutcome } from '../../domain/step/step.js';
import { cleanPriorities, planCleaning, planService } from '../agent-steps.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';
import { AgentCommand, type CommandTimes, isPassing } from './agent-command.js';
import { agentNode, agentPorts } from './agent-node.js';
import { type AgentClient, failureOf } from './client.js';
import { keepProgress, saveProgress } from './progress.js';
import type { Ramdisk } from './ramdisk.js';
import { readStepList } from './step-list.js';

/** Deployment, cleaning and service by the agent's own steps (Ironic: drivers/modules/agent_base.py). */
export class AgentCleaning {
  private readonly client: AgentClient;
  private readonly settings: DeploySettings;
  private readonly ramdisk: Ramdisk;
  private readonly times: CommandTimes;
  private readonly command: AgentCommand;

  constructor(parts: {
    client: AgentClient;
    settings: DeploySettings;
    ramdisk: Ramdisk;
    times: CommandTimes;
  }) {
    this.client = parts.client;
    this.settings = parts.settings;
    this.ramdisk = parts.ramdisk;
    this.times = parts.times;
    this.command = new AgentCommand(parts.client, parts.times);
  }

  /** Asks the agent for its steps and inserts those to run after this one. */
  async collect(context: StepContext, kind: 'clean' | 'service'): Promise<StepOutcome> {
    try {
      const { offered, kept } = await readStepList(this.client, context, kind);
      const insert =
        kind === 'clean'
          ? planCleaning(context, offered, cleanPriorities(this.settings))
          : planService(context, offered);
      // Recorded only after the list was collected again: a user may request one step twice.
      const clean_steps_done_again = context.step.args['again'] === true ? [] : undefined;
      const driver_internal_info = changedInternal(context.node, { ...kept, clean_steps_done_again });
      await context.save({ driver_internal_info });
      return { is: 'done', insert };
    } catch (error) {
      if (!isPassing(error)) throw error;
      context.log.info({ error: error.message }, 'the agent is asked again later');
      return { is: 'wait', for: 'poll', pollAfter: this.times.interval };
    }
  }

  /**
   * One entry of a step that the agent listed.
   * @param shown fields of the instance to send, besides those that every agent receives
   */
  async run(context: StepContext, shown: JsonObject = {}): Promise<StepOutcome> {
    const { step, node } = context;
    const { kind } = context.operation;
    if (!isStepKind(kind)) {
      throw new FerricError(
        'unsupported',
        `Agent steps are run in deployment, cleaning and service only, not in ${kind}.`,
      );
    }
    if (this.ramdisk.isBooting(context.saved)) return this.afterReboot(context);
    const { clean_steps_done_again: done, hardware_manager_version } = internalOf(node);
    const key = `${step.interface}.${step.name}`;
    if (context.wake === 'start' && done && (done.includes(key) || !this.offers(context))) {
      return { is: 'done' };
    }
    if (context.saved === REBOOT) return this.reboot(context);
    const raid = step.interface === 'raid' ? context.interfaces.raid.ofAgent : undefined;
    const request = raid?.agentRequest(context);
    return this.command.enter(context, {
      name: `${kind}.execute_${kind}_step`,
      params: async () => ({
        step: { interface: step.interface, step: step.name, args: request?.args ?? step.args, priority: 0 },
        node: { ...agentNode(node, shown), ...request?.node },
        ports: agentPorts(context),
        [`${kind}_version`]: hardware_manager_version ?? null,
      }),
      running: (record) => keepProgress(context, record, 'clean_progress'),
      ended: async (record) => {
        await saveProgress(context, undefined, 'clean_progress');
        if (record.command_status === 'CLEAN_VERSION_MISMATCH') return this.beginAnew(context);
        if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
        await raid?.keep(context, record.command_result?.[`${kind}_result`] as Json);
        if (done) {
          const clean_steps_done_again = [...done, key];
          const driver_internal_info = changedInternal(context.node, { clean_steps_done_again });
          await context.save({ driver_internal_info });
        }
        if (!this.offers(context, (offered) => offered['reboot_requested'] === true)) return { is: 'done' };
        await context.checkpoint(REBOOT);
        return this.reboot(context);
      },
    });
  }

  /**
   * The agent's hardware managers differ from those that listed the steps: automated cleaning restarts with a new list.
   * The rest of the old list follows and is skipped where the new list ran it.
   */
  private beginAnew(context: StepContext): StepOutcome {
    const { kind } = context.operation;
    const what = kind === 'clean' ? 'manual cleaning' : kind === 'service' ? 'service' : 'deployment';
    if (kind !== 'clean' || context.node.target_provision_state === 'manageable') {
      throw new FerricError(
        'agent-failed',
        `The agent’s hardware managers changed during ${what}: nobody can say what its steps mean now.`,
      );
    }
    context.log.info('the agent’s hardware managers changed; cleaning begins anew');
    return { is: 'done', insert: [collectAgain()] };
  }

  private offers(context: StepContext, also: (step: JsonObject) => boolean = () => true): boolean {
    const steps = this.listed(context)?.[context.step.interface];
    return (
      Array.isArray(steps) &&
      steps.some((one) => isObject(one) && one['step'] === context.step.name && also(one))
    );
  }

  /** What the agent listed for this kind of operation. */
  private listed({ node, operation: { kind } }: StepContext): JsonObject | undefined {
    return isStepKind(kind) ? internalOf(node)[`agent_cached_${kind}_steps`] : undefined;
  }

  /** The ramdisk's boot files are still in place; the agent's step lists survive its restart. */
  private reboot(context: StepContext): Promise<StepOutcome> {
    const { kind } = context.operation;
    const { hardware_manager_version } = internalOf(context.node);
    const cached = this.listed(context);
    return this.ramdisk.relaunch(context, {
      ...(cached && isStepKind(kind) ? { [`agent_cached_${kind}_steps`]: cached } : {}),
      ...(hardware_manager_version ? { hardware_manager_version } : {}),
    });
  }

  private async afterReboot(context: StepContext): Promise<StepOutcome> {
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }
}

function isStepKind(kind: string): kind is 'clean' | 'service' | 'deploy' {
  return kind === 'clean' || kind === 'service' || kind === 'deploy';
}

/** The step has succeeded; its reboot is still due. */
const REBOOT = 'reboot';

function collectAgain(): PlannedStep {
  return {
    interface: 'deploy',
    name: 'collect_clean_steps',
    priority: 100,
    args: { again: true },
    abortable: true,
    rerunnable: true,
    visible: false,
    agent: false,
  };
}

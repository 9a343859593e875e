import type { DeploySettings } from '../../config/section/deploy.js';
import { FerricError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { PlannedStep, StepOutcome } from '../../domain/step/step.js';
import { cleanPriorities, planCleaning, planService } from '../agent-steps.js';
import type { StepContext } from '../contract/step.js';
import { AgentCommand, type CommandTimes, isPassing } from './agent-command.js';
import { agentNode, agentPorts } from './agent-node.js';
import { type AgentClient, failureOf } from './client.js';
import { keepProgress, saveProgress } from './progress.js';
import type { Ramdisk } from './ramdisk.js';
import { readStepList } from './step-list.js';

/** Steps that already ran in a cleaning that began anew; only there, since a user may ask for one twice. */
const DONE_AGAIN = 'clean_steps_done_again';

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

  /** Asks the agent for its steps and puts those that are to run behind this one. */
  async collect(context: StepContext, kind: 'clean' | 'service'): Promise<StepOutcome> {
    try {
      const { offered, kept } = await readStepList(this.client, context, kind);
      const insert =
        kind === 'clean'
          ? planCleaning(context, offered, cleanPriorities(this.settings))
          : planService(context, offered);
      const { [DONE_AGAIN]: _former, ...internal } = context.node.driver_internal_info;
      const again: JsonObject = context.step.args['again'] === true ? { [DONE_AGAIN]: [] } : {};
      await context.save({ driver_internal_info: { ...internal, ...kept, ...again } });
      return { is: 'done', insert };
    } catch (error) {
      if (!isPassing(error)) throw error;
      context.log.info({ error: error.message }, 'the agent is asked again later');
      return { is: 'wait', for: 'poll', pollAfter: this.times.interval };
    }
  }

  /**
   * One entry of a step that the agent listed.
   * @param shown of the instance, besides what each agent is told
   */
  async run(context: StepContext, shown: JsonObject = {}): Promise<StepOutcome> {
    const { step, node } = context;
    const { kind } = context.operation;
    if (kind !== 'clean' && kind !== 'service' && kind !== 'deploy') {
      throw new FerricError(
        'unsupported',
        `Agent steps are run in deployment, cleaning and service only, not in ${kind}.`,
      );
    }
    if (this.ramdisk.isBooting(context.saved)) return this.afterReboot(context);
    const done = node.driver_internal_info[DONE_AGAIN];
    const key = `${step.interface}.${step.name}`;
    if (context.wake === 'start' && Array.isArray(done) && (done.includes(key) || !this.offers(context))) {
      return { is: 'done' };
    }
    if (context.saved === REBOOT) return this.reboot(context);
    const raid = step.interface === 'raid' ? context.interfaces.raid.ofAgent : undefined;
    const told = raid?.told(context);
    return this.command.enter(context, {
      name: `${kind}.execute_${kind}_step`,
      params: async () => ({
        step: { interface: step.interface, step: step.name, args: told?.args ?? step.args, priority: 0 },
        node: { ...agentNode(node, shown), ...told?.node },
        ports: agentPorts(context),
        [`${kind}_version`]: node.driver_internal_info['hardware_manager_version'] ?? null,
      }),
      running: (record) => keepProgress(context, record, 'clean_progress'),
      ended: async (record) => {
        await saveProgress(context, undefined, 'clean_progress');
        if (record.command_status === 'CLEAN_VERSION_MISMATCH') return this.beginAnew(context);
        if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
        await raid?.keep(context, record.command_result?.[`${kind}_result`] as Json);
        if (Array.isArray(done)) {
          await context.save({
            driver_internal_info: { ...context.node.driver_internal_info, [DONE_AGAIN]: [...done, key] },
          });
        }
        if (!this.offers(context, (offered) => offered['reboot_requested'] === true)) return { is: 'done' };
        await context.checkpoint(REBOOT);
        return this.reboot(context);
      },
    });
  }

  /**
   * The agent's hardware managers are not those that listed the steps: automated cleaning begins anew with a new list.
   * What is left of the old one follows behind and is passed over where the new one ran it.
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
    const cached = context.node.driver_internal_info[`agent_cached_${context.operation.kind}_steps`];
    const steps = (cached as JsonObject | undefined)?.[context.step.interface];
    return (
      Array.isArray(steps) &&
      steps.some((one) => (one as JsonObject)['step'] === context.step.name && also(one as JsonObject))
    );
  }

  private reboot(context: StepContext): Promise<StepOutcome> {
    const list = `agent_cached_${context.operation.kind}_steps`;
    const { [list]: cached, hardware_manager_version: version } = context.node.driver_internal_info;
    // The ramdisk is published still; what the agent listed is kept over its restart.
    return this.ramdisk.relaunch(context, {
      ...(cached === undefined ? {} : { [list]: cached }),
      ...(version === undefined ? {} : { hardware_manager_version: version }),
    });
  }

  private async afterReboot(context: StepContext): Promise<StepOutcome> {
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }
}

/** The step succeeded, its reboot is to come. */
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

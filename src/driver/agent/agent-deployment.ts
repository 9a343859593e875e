import { messageOf } from '../../domain/errors.js';
import { isObject, type Json } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { planAgentDeployment } from '../agent-steps.js';
import { changedInternal } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration } from '../contract/step.js';
import { markOfStep, POWER_TIMEOUT, startMachine } from '../machine-start.js';
import type { DeployStepName } from '../step-table.js';
import { forgetAgent } from './agent-node.js';
import type { AgentWork } from './agent-work.js';
import { forcesOutOfBandReboot } from './deploy-fields.js';
import { readStepList } from './step-list.js';

/**
 * The part of a deployment by the agent that does not depend on the image: boots the ramdisk, collects the agent's
 * steps, and shuts the agent down before the instance starts (Ironic: drivers/modules/agent.py, CustomAgentDeploy).
 */
export class AgentDeployment {
  /**
   * @param own names of the deploy interface's steps
   * @param publish lays out what the machine may fetch besides its ramdisk; called after the ramdisk is laid out
   */
  constructor(
    private readonly work: AgentWork,
    private readonly own: () => ReadonlySet<string>,
    private readonly publish: (context: StepContext) => Promise<void> = async () => {},
  ) {}

  get runs() {
    return {
      deploy: (context) => this.boot(context),
      tear_down_agent: (context) => this.tearDownAgent(context),
      // The noop network interface has one network for everything.
      switch_to_tenant_network: async () => ({ is: 'done' }),
      boot_instance: (context) => this.bootInstance(context),
    } as const satisfies Partial<Record<DeployStepName, StepDeclaration['run']>>;
  }

  private async boot(context: StepContext): Promise<StepOutcome> {
    const { ramdisk } = this.work;
    if (!ramdisk.isBooting(context.saved)) {
      return ramdisk.launch(context, async () => {
        const target = await this.work.publishRamdisk(context);
        await this.publish(context);
        return target;
      });
    }
    const waiting = await ramdisk.arrival(context);
    if (waiting) return waiting;
    // As in upstream's conductor: the agent receives the node, and its list is kept for API clients.
    return this.work.whenItAnswers(context, async () => {
      const list = await readStepList(this.work.parts.client, context, 'deploy');
      await context.save({ driver_internal_info: changedInternal(context.node, list.kept) });
      const merge = planAgentDeployment(context, list.offered, this.own());
      return { is: 'done', ...(merge.length > 0 ? { merge } : {}) };
    });
  }

  /** Flushes the disks, then powers off: by the agent, or by the BMC where the agent fails to. */
  private async tearDownAgent(context: StepContext): Promise<StepOutcome> {
    const { client, settings, logs } = this.work.parts;
    const interval = settings.post_deploy_get_power_state_retry_interval * 1000;
    const { power } = context.interfaces;
    const leave = async (): Promise<StepOutcome> => {
      await forgetAgent(context);
      return { is: 'done' };
    };
    const looks = looksOf(context.saved);
    if (looks === undefined) {
      return this.work.whenItAnswers(context, async () => {
        if (settings.deploy_logs_collect === 'always') await logs.collect(context, 'deploy');
        await client.call(context, 'standby.sync');
        // Without power off, the next step resets the machine.
        if (context.node.disable_power_off) return leave();
        const byForce = forcesOutOfBandReboot(context);
        await context.checkpoint({
          phase: 'leaving',
          looks: byForce ? settings.post_deploy_get_power_state_retries : 0,
        });
        if (!byForce) await this.askToPowerOff(context);
        return {
          is: 'wait',
          for: 'poll',
          pollAfter: byForce ? 0 : Math.min(interval, 1_000),
          checkpoint: { phase: 'leaving', looks: byForce ? settings.post_deploy_get_power_state_retries : 0 },
        };
      });
    }
    if ((await power.getPowerState(context)) === 'power off') return leave();
    if (looks < settings.post_deploy_get_power_state_retries) {
      return {
        is: 'wait',
        for: 'poll',
        pollAfter: interval,
        checkpoint: { phase: 'leaving', looks: looks + 1 },
      };
    }
    await power.setPowerState(context, 'power off', POWER_TIMEOUT);
    return leave();
  }

  private async askToPowerOff(context: StepContext): Promise<void> {
    try {
      await this.work.parts.client.start(context, 'standby.power_off', {});
    } catch (error) {
      context.signal.throwIfAborted();
      // Many agents are gone before they answer; a machine that stays on is powered off by its BMC.
      context.log.info({ error: messageOf(error) }, 'the agent did not confirm that it powers off');
    }
  }

  private async bootInstance(context: StepContext): Promise<StepOutcome> {
    await startMachine(context, markOfStep(context));
    return { is: 'done' };
  }
}

function looksOf(saved: Json): number | undefined {
  if (!isObject(saved)) return undefined;
  return saved['phase'] === 'leaving' && typeof saved['looks'] === 'number' ? saved['looks'] : undefined;
}

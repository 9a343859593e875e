import type { DeploySettings } from '../../config/section/deploy.js';
import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { erasureInWords, overwritesAll } from '../agent-steps.js';
import type { BootTarget } from '../contract/boot.js';
import type { FailedWork } from '../contract/deploy.js';
import { changedInternal, INSTANCE_KEYS, internalOf, withoutInternal } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import {
  bootFromInstance,
  markOfCleanUp,
  markOfStep,
  powerOff,
  type ResetMark,
  startMachine,
} from '../machine-start.js';
import type { DeployStepName } from '../step-table.js';
import { AgentCleaning } from './agent-cleaning.js';
import { isPassing } from './agent-command.js';
import { eraseParameters, forgetAgent } from './agent-node.js';
import type { AgentClient } from './client.js';
import type { InstanceImage } from './instance-image.js';
import { Ramdisk } from './ramdisk.js';
import type { RamdiskLogs } from './ramdisk-logs.js';

export interface AgentWorkParts {
  client: AgentClient;
  image: InstanceImage;
  logs: RamdiskLogs;
  settings: DeploySettings;
  /** Base URL of the agent listener as machines see it; read when it is needed. */
  apiUrl: () => string;
  /** The conductor's callback timeouts in ms, 0: no limit; counted from each sign of life. */
  inactivityTimeout: { deploy: number; clean: number; service: number };
}

/**
 * What every deploy interface does with the agent, whatever it deploys: cleaning, service, tear-down, adoption, and
 * clean-up after a failure (Ironic: drivers/modules/agent_base.py, AgentBaseMixin).
 */
export class AgentWork {
  readonly ramdisk: Ramdisk;
  /** By kind of operation. */
  private readonly steps: Readonly<Record<'deploy' | 'clean' | 'service', AgentCleaning>>;

  constructor(readonly parts: AgentWorkParts) {
    const { client, settings, inactivityTimeout } = parts;
    this.ramdisk = new Ramdisk(client, settings.ramdisk_boot_retries);
    const interval = settings.command_wait_interval * 1000;
    const steps = (kind: keyof typeof inactivityTimeout) =>
      new AgentCleaning({
        client,
        settings,
        ramdisk: this.ramdisk,
        times: { interval, inactivityTimeout: inactivityTimeout[kind] },
      });
    this.steps = { deploy: steps('deploy'), clean: steps('clean'), service: steps('service') };
  }

  /** The steps outside of a deployment. */
  get runs() {
    return {
      prepare_cleaning: (context) => this.bootForCleaning(context),
      collect_clean_steps: (context) => this.steps.clean.collect(context, 'clean'),
      tear_down_cleaning: (context) => this.tearDownCleaning(context),
      tear_down: (context) => this.tearDown(context),
      prepare_service: (context) => this.bootForService(context),
      collect_service_steps: (context) => this.steps.service.collect(context, 'service'),
      tear_down_service: (context) => this.tearDownService(context),
      take_over: async (context) => {
        // The machine already runs its instance: no command is sent to it.
        await context.interfaces.boot.prepareInstance(context);
        return { is: 'done' };
      },
    } as const satisfies Partial<Record<DeployStepName, StepDeclaration['run']>>;
  }

  /** A warning before a full erase, which can take a day. */
  notice(): string | undefined {
    return overwritesAll(this.parts.settings) ? erasureInWords(this.parts.settings) : undefined;
  }

  /** @param shown fields of the instance to send, besides those that every agent receives */
  runAgentStep(context: StepContext, shown: JsonObject = {}): Promise<StepOutcome> {
    const { kind } = context.operation;
    return this.steps[kind === 'service' || kind === 'deploy' ? kind : 'clean'].run(context, shown);
  }

  async cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void> {
    const { settings, logs, image } = this.parts;
    const { kind } = operation;
    const attempt = async (what: string, act: () => Promise<void>) => {
      try {
        await act();
      } catch (error) {
        context.signal.throwIfAborted();
        if (isDatabaseAway(error)) throw error;
        context.log.warn({ what, error: messageOf(error) }, 'the failed work could not be cleaned up wholly');
      }
    };
    if (kind === 'service' && internalOf(context.node).service_ramdisk !== true) return;
    if (settings.deploy_logs_collect !== 'never') await logs.collect(context, kind);
    if (kind === 'service' && operation.aborted) {
      return attempt('instance', () => this.backToInstance(context, markOfCleanUp(context)));
    }
    await attempt('boot files', () => context.interfaces.boot.cleanUpRamdisk(context));
    await attempt('image', () => image.remove(context.node));
    // A failed step may still write to a disk: Ironic leaves that machine on (deploy_utils, tear_down_inband_cleaning).
    const off =
      (kind === 'deploy' && settings.power_off_after_deploy_failure) ||
      (kind === 'clean' && (settings.poweroff_in_cleanfail || !operation.executing || operation.aborted));
    if (!off || context.node.disable_power_off) return;
    await attempt('power', () => powerOff(context));
    await attempt('agent', () => forgetAgent(context));
  }

  /** Asks again an agent that is unreachable or busy; the step's deadline bounds the wait. */
  async whenItAnswers(context: StepContext, act: () => Promise<StepOutcome>): Promise<StepOutcome> {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error)) throw error;
      context.log.info({ error: error.message }, 'the agent is asked again later');
      return { is: 'wait', for: 'poll', pollAfter: this.parts.settings.command_wait_interval * 1000 };
    }
  }

  /** Withdraws everything that was served to the ramdisk, and the image. */
  async endRamdisk(context: WorkContext): Promise<void> {
    await context.interfaces.boot.cleanUpRamdisk(context);
    await this.parts.image.remove(context.node);
  }

  publishRamdisk(context: StepContext): Promise<BootTarget | null> {
    return context.interfaces.boot.prepareRamdisk(context, { 'ipa-api-url': this.parts.apiUrl() });
  }

  private async bootForCleaning(context: StepContext): Promise<StepOutcome> {
    if (!this.ramdisk.isBooting(context.saved)) {
      return this.ramdisk.launch(
        context,
        () => this.publishRamdisk(context),
        eraseParameters(this.parts.settings),
      );
    }
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }

  private async tearDownCleaning(context: StepContext): Promise<StepOutcome> {
    if (this.parts.settings.deploy_logs_collect === 'always' && context.wake === 'start') {
      await this.parts.logs.collect(context, 'clean');
    }
    await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    if (context.node.disable_power_off) {
      await startMachine(context, markOfStep(context));
    }
    await forgetAgent(context);
    return { is: 'done' };
  }

  private async bootForService(context: StepContext): Promise<StepOutcome> {
    if (!this.ramdisk.isBooting(context.saved)) {
      // Marks a service that boots the ramdisk: only after such a service is the machine restarted.
      await context.save({ driver_internal_info: changedInternal(context.node, { service_ramdisk: true }) });
      return this.ramdisk.launch(context, () => this.publishRamdisk(context));
    }
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }

  private async tearDownService(context: StepContext): Promise<StepOutcome> {
    if (internalOf(context.node).service_ramdisk === true) {
      const { logs, settings } = this.parts;
      if (settings.deploy_logs_collect === 'always' && context.wake === 'start') {
        await logs.collect(context, 'service');
      }
      await this.backToInstance(context, markOfStep(context));
    }
    return { is: 'done' };
  }

  /** From the ramdisk to the system on disk. Run again after a crash, it repeats all of it but a reset. */
  private async backToInstance(context: WorkContext, reset: ResetMark): Promise<void> {
    await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    await bootFromInstance(context);
    await forgetAgent(context);
    await startMachine(context, reset);
    await context.save({ driver_internal_info: withoutInternal(context.node, ['service_ramdisk']) });
  }

  private async tearDown(context: StepContext): Promise<StepOutcome> {
    await powerOff(context);
    await context.interfaces.boot.cleanUpInstance(context);
    await this.parts.image.remove(context.node);
    await forgetAgent(context);
    await context.save({ driver_internal_info: withoutInternal(context.node, INSTANCE_KEYS) });
    return { is: 'done' };
  }
}

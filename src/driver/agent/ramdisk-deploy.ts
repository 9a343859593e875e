import { InvalidError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { ReadContext } from '../contract/context.js';
import type { DeployInterface, FailedWork } from '../contract/deploy.js';
import { changedInternal, INSTANCE_KEYS, withoutInternal } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import { bootFromInstance, markOfStep, powerOff, startMachine } from '../machine-start.js';
import { declareSteps } from '../step-table.js';
import type { AgentWork } from './agent-work.js';

/**
 * Deploy interface `ramdisk`: the instance is a kernel and a ramdisk, or an ISO, that the machine starts from the
 * network at each boot. No agent runs, and the disks stay untouched (Ironic: drivers/modules/ramdisk.py).
 */
export class RamdiskDeploy implements DeployInterface {
  readonly name = 'ramdisk';
  readonly properties = {};
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly work: AgentWork) {
    this.steps = declareSteps({
      ...work.runs,
      prepare_deploy: async (context) => {
        await this.validate(context);
        await powerOff(context);
        await this.keepParts(context);
        return { is: 'done' };
      },
      deploy: (context) => this.deploy(context),
      take_over: async (context) => {
        await this.keepParts(context);
        return work.runs.take_over(context);
      },
    });
  }

  notice(): string | undefined {
    return this.work.notice();
  }

  async validate(context: ReadContext & Partial<Pick<WorkContext, 'interfaces'>>): Promise<void> {
    const boot = context.interfaces?.boot;
    if (boot && !boot.inMemory) {
      throw new InvalidError(
        'Invalid configuration: The boot interface must have the `ramdisk_boot` capability. You are using an ' +
          `incompatible boot interface, ${boot.name}.`,
      );
    }
    await boot?.validate(context);
    await boot?.inMemory?.validate(context);
  }

  runAgentStep(context: StepContext): Promise<StepOutcome> {
    return this.work.runAgentStep(context);
  }

  cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void> {
    return this.work.cleanUpFailure(context, operation);
  }

  /** Saves the instance's boot images with the node: every later boot uses them. */
  private async keepParts(context: StepContext): Promise<void> {
    const parts: JsonObject = await context.interfaces.boot.inMemory!.parts(context);
    const driver_internal_info = withoutInternal(context.node, INSTANCE_KEYS);
    const instance_boot = { ...parts, in_memory: true };
    await context.save({
      driver_internal_info: changedInternal({ driver_internal_info }, { instance_boot }),
    });
  }

  /** Run again after a crash, it starts the machine anew, unless that would reset it: an instance in memory keeps nothing. */
  private async deploy(context: StepContext): Promise<StepOutcome> {
    const drive = context.node.instance_info['configdrive'];
    const { boot } = context.interfaces;
    if (drive !== undefined && drive !== null && drive !== '' && !boot.inMemory?.carriesConfigDrive) {
      // A warning only, as upstream: clients send a config drive with every deployment.
      context.log.warn(
        { boot: boot.name },
        'the config drive is left out: what boots from the network has no disk that could hold it',
      );
    }
    await powerOff(context);
    await bootFromInstance(context);
    await startMachine(context, markOfStep(context));
    return { is: 'done' };
  }
}

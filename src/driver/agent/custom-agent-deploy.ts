import type { JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { DriverNode, ReadContext } from '../contract/context.js';
import type { DeployInterface, FailedWork } from '../contract/deploy.js';
import { Faults } from '../contract/faults.js';
import { INSTANCE_KEYS, withoutInternal } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import { bootFromInstance } from '../machine-start.js';
import { declareSteps, stepNames } from '../step-table.js';
import { AgentDeployment } from './agent-deployment.js';
import type { AgentWork } from './agent-work.js';
import { AGENT_PROPERTIES, checkAgentFields } from './deploy-fields.js';

/**
 * Deploy interface `custom-agent`: boots the ramdisk and runs its agent's own deploy steps. The conductor writes no
 * image and needs none (Ironic: drivers/modules/agent.py, CustomAgentDeploy).
 */
export class CustomAgentDeploy implements DeployInterface {
  readonly name = 'custom-agent';
  readonly properties = AGENT_PROPERTIES;
  readonly agentDeploySteps = true;
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly work: AgentWork) {
    this.steps = declareSteps({
      ...work.runs,
      ...new AgentDeployment(work, () => stepNames(this.steps)).runs,
      prepare_deploy: async (context) => {
        await this.validate(context);
        // Left by an instance of another deploy interface; this instance starts from its disk.
        await context.save({ driver_internal_info: withoutInternal(context.node, INSTANCE_KEYS) });
        return { is: 'done' };
      },
      prepare_instance_boot: async (context) => {
        await work.endRamdisk(context);
        await bootFromInstance(context);
        return { is: 'done' };
      },
    });
  }

  notice(): string | undefined {
    return this.work.notice();
  }

  async validate(context: ReadContext & Partial<Pick<WorkContext, 'interfaces'>>): Promise<void> {
    const faults = new Faults();
    await faults.await(() => context.interfaces?.boot.validate(context));
    checkAgentFields(context, this.work.parts.settings, faults);
    faults.throwAny();
  }

  runAgentStep(context: StepContext): Promise<StepOutcome> {
    return this.work.runAgentStep(context, instanceOf(context.node));
  }

  cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void> {
    return this.work.cleanUpFailure(context, operation);
  }
}

/** The agent's steps, unknown to the conductor, receive all of instance_info except credentials. */
function instanceOf(node: DriverNode): JsonObject {
  return Object.fromEntries(
    Object.entries(node.instance_info).filter(([key]) => !/password|auth/i.test(key)),
  );
}

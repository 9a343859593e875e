import type { StepOutcome } from '../../domain/step/step.js';
import type { ReadContext } from '../contract/context.js';
import type { DeployInterface, FailedWork } from '../contract/deploy.js';
import { Faults } from '../contract/faults.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import { declareSteps, stepNames } from '../step-table.js';
import { AgentCommand } from './agent-command.js';
import { AgentDeployment } from './agent-deployment.js';
import { agentNode, agentPorts } from './agent-node.js';
import type { AgentWork } from './agent-work.js';
import { failureOf } from './client.js';
import { AGENT_PROPERTIES, checkAgentFields, deployMode } from './deploy-fields.js';
import { InstanceStart } from './instance-start.js';
import { layoutRecord } from './partition-image.js';
import { keepProgress, saveProgress } from './progress.js';

/** Deploy interface `direct`: the agent in the ramdisk writes the image (Ironic: drivers/modules/agent.py). */
export class DirectDeploy implements DeployInterface {
  readonly name = 'direct';
  readonly properties = AGENT_PROPERTIES;
  readonly agentDeploySteps = true;
  readonly steps: readonly StepDeclaration[];
  private readonly command: AgentCommand;

  constructor(private readonly work: AgentWork) {
    const { client, settings, inactivityTimeout, image } = work.parts;
    const interval = settings.command_wait_interval * 1000;
    this.command = new AgentCommand(client, { interval, inactivityTimeout: inactivityTimeout.deploy });
    const start = new InstanceStart({
      client,
      command: this.command,
      whenItAnswers: (context, act) => work.whenItAnswers(context, act),
      finish: (context) => work.endRamdisk(context),
    });
    const deployment = new AgentDeployment(
      work,
      () => stepNames(this.steps),
      (context) => image.publish(context),
    );
    this.steps = declareSteps({
      ...work.runs,
      ...deployment.runs,
      prepare_deploy: async (context) => {
        await this.validate(context);
        await image.prepare(context);
        return { is: 'done' };
      },
      write_image: (context) => this.writeImage(context),
      prepare_instance_boot: (context) => start.run(context, deployMode(context, settings)),
    });
  }

  notice(): string | undefined {
    return this.work.notice();
  }

  async validate(context: ReadContext): Promise<void> {
    const faults = new Faults();
    faults.attempt(() => this.work.parts.image.validate(context.node));
    checkAgentFields(context, this.work.parts.settings, faults);
    faults.throwAny();
  }

  runAgentStep(context: StepContext): Promise<StepOutcome> {
    return this.work.runAgentStep(context);
  }

  cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void> {
    return this.work.cleanUpFailure(context, operation);
  }

  private writeImage(context: StepContext): Promise<StepOutcome> {
    const { is_whole_disk_image, hardware_manager_version } = internalOf(context.node);
    return this.command.enter(context, {
      name: 'deploy.execute_deploy_step',
      params: async () => ({
        step: {
          interface: 'deploy',
          step: 'write_image',
          args: this.work.parts.image.writeArguments(context),
        },
        node: agentNode(
          context.node,
          // Upstream's agent partitions the disk by it, and reads no other boot mode from the instance
          // (ironic_python_agent/utils.py, get_node_boot_mode).
          is_whole_disk_image === false
            ? { deploy_boot_mode: deployMode(context, this.work.parts.settings) }
            : {},
        ),
        ports: agentPorts(context),
        deploy_version: hardware_manager_version ?? null,
      }),
      running: (record) => keepProgress(context, record),
      ended: async (record) => {
        if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
        await saveProgress(context, undefined);
        await this.keepLayout(context);
        return { is: 'done' };
      },
    });
  }

  /** Records the sizes of the partitions that a rebuild may be asked to keep. */
  private async keepLayout(context: StepContext): Promise<void> {
    const { node } = context;
    const partition = internalOf(node).is_whole_disk_image === false;
    const deployed_layout = partition ? layoutRecord(node, this.work.parts.settings) : undefined;
    await context.save({ driver_internal_info: changedInternal(node, { deployed_layout }) });
  }
}

import type { DeploySettings } from '../../config/section/deploy.js';
import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { cleanPriorities, type OfferedStep, planCleaning, planService } from '../agent-steps.js';
import type { ReadContext } from '../contract/context.js';
import type { DeployInterface } from '../contract/deploy.js';
import { internalOf } from '../contract/internal-info.js';
import type { InsideContext, StepContext, StepDeclaration, StepKind, WorkContext } from '../contract/step.js';
import { bootFrom, bootFromInstance, POWER_TIMEOUT } from '../machine-start.js';
import { declareSteps } from '../step-table.js';
import { type LastingWork, lasting } from './lasting.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

/** The fake agent's steps, as the real agent lists them (ironic_python_agent/hardware.py: GenericHardwareManager). */
export const OFFERED: readonly OfferedStep[] = [
  {
    step: 'erase_devices',
    interface: 'deploy',
    priority: 10,
    reboot_requested: false,
    abortable: true,
  },
  {
    step: 'erase_devices_metadata',
    interface: 'deploy',
    priority: 99,
    reboot_requested: false,
    abortable: true,
  },
];

/**
 * The steps of `direct` on a machine that exists in the database: same names, same phases, the same waits.
 * Controlled by `driver_info.fake_delay_<step>` and `fake_fail_<step>`.
 */
export class FakeDeploy implements DeployInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  readonly steps: readonly StepDeclaration[];
  readonly agentStepInside: NonNullable<StepDeclaration['inside']>;
  private readonly machine: FakeMachine;
  private readonly settings: DeploySettings;

  constructor(parts: { machine: FakeMachine; settings: DeploySettings }) {
    this.machine = parts.machine;
    this.settings = parts.settings;
    const lasts = (context: StepContext, acts?: () => Promise<void>, more: LastingWork = {}) =>
      lasting(parts.machine, context, { ...more, ...(acts ? { acts } : {}) });
    const deployment = { kind: 'deploy' } as const;
    const plain = (context: StepContext) => lasts(context);
    const off = (context: StepContext) =>
      context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
    this.agentStepInside = (context) => isInside(parts.machine, context);
    const steps = declareSteps({
      prepare_deploy: (context) => lasts(context, undefined, deployment),
      deploy: (context) => lasts(context, () => bootRamdisk(context), deployment),
      write_image: plain,
      prepare_instance_boot: (context) =>
        lasts(context, async () => {
          await context.interfaces.boot.cleanUpRamdisk(context);
          await bootFromInstance(context);
        }),
      tear_down_agent: (context) => lasts(context, () => off(context)),
      switch_to_tenant_network: plain,
      boot_instance: (context) =>
        lasts(context, () => context.interfaces.power.setPowerState(context, 'power on', POWER_TIMEOUT)),
      prepare_cleaning: (context) => lasts(context, () => bootRamdisk(context)),
      collect_clean_steps: async (context) => ({
        is: 'done',
        insert: planCleaning(context, OFFERED, cleanPriorities(this.settings)),
      }),
      tear_down_cleaning: (context) =>
        lasts(context, async () => {
          await context.interfaces.boot.cleanUpRamdisk(context);
          await off(context);
        }),
      tear_down: (context) =>
        lasts(
          context,
          async () => {
            await off(context);
            await context.interfaces.boot.cleanUpInstance(context);
          },
          deployment,
        ),
      prepare_service: (context) => lasts(context, () => bootRamdisk(context)),
      // The fake agent has no steps for service; those of the other interfaces are planned already.
      collect_service_steps: async (context) => ({ is: 'done', insert: planService(context, []) }),
      tear_down_service: (context) => lasts(context, () => bootInstance(context)),
      take_over: (context) =>
        lasts(context, async () => void (await context.interfaces.boot.prepareInstance(context)), deployment),
    });
    this.steps = steps.map((step) => ({ ...step, inside: this.agentStepInside }));
  }

  async validate(context: ReadContext): Promise<void> {
    this.machine.validate(context);
  }

  async runAgentStep(context: StepContext): Promise<StepOutcome> {
    const raid = context.step.interface === 'raid' ? context.interfaces.raid.ofAgent : undefined;
    // The fake machine has enough disks for any configuration.
    const leaves = async () => {
      const asked = raid?.agentRequest(context);
      await raid?.keep(context, asked?.args['raid_config'] ?? asked?.node['target_raid_config']);
    };
    return lasting(this.machine, context, raid ? { leaves } : {});
  }

  async cleanUpFailure(
    context: WorkContext,
    operation: { uuid: string; kind: StepKind; reason: string; aborted?: boolean },
  ): Promise<void> {
    const off =
      operation.kind === 'deploy'
        ? this.settings.power_off_after_deploy_failure
        : operation.kind === 'clean' && this.settings.poweroff_in_cleanfail;
    try {
      if (operation.kind === 'service' && operation.aborted) return await bootInstance(context);
      await context.interfaces.boot.cleanUpRamdisk(context);
      if (off) await context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      context.log.warn({ error: messageOf(error) }, 'the failed work could not be cleaned up wholly');
    }
  }
}

/** A fake machine without delays and journal has no state outside of the node's row. */
function isInside(machine: FakeMachine, { node, interfaces }: InsideContext): boolean {
  const { power, management, boot } = interfaces;
  const rows = [power, management, boot].every(({ name }) => name === 'fake' || name === 'noop');
  return rows && machine.isOnlyRecord(node);
}

async function bootRamdisk(context: StepContext): Promise<void> {
  await context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
  await bootFrom(context, await context.interfaces.boot.prepareRamdisk(context, {}));
  await context.interfaces.power.setPowerState(context, 'power on', POWER_TIMEOUT);
}

/** Back from a ramdisk; a machine that runs its instance continues to run it. */
async function bootInstance(context: WorkContext): Promise<void> {
  if (internalOf(context.node).fake_boot_published !== 'ramdisk') return;
  await context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
  await context.interfaces.boot.cleanUpRamdisk(context);
  await bootFromInstance(context);
  await context.interfaces.power.setPowerState(context, 'power on', POWER_TIMEOUT);
}

import type { DeploySettings } from '../../config/section/deploy.js';
import { messageOf } from '../../domain/errors.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { cleanPriorities, type OfferedStep, planCleaning } from '../clean-plan.js';
import type { DriverContext } from '../contract/context.js';
import type { DeployInterface } from '../contract/deploy.js';
import type { StepContext, StepDeclaration, StepKind, WorkContext } from '../contract/step.js';
import { declareSteps } from '../step-table.js';
import { FAKE_PROPERTIES, type FakeMachine } from './machine.js';

const POWER_TIMEOUT = 60_000;

/** What the fake agent offers, as the real one does (ironic_python_agent/hardware.py: GenericHardwareManager). */
const OFFERED: readonly OfferedStep[] = [
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
 * The steps of `direct` on a machine that exists in the database: same names, same phases, waits where it waits.
 * `driver_info.fake_delay_<step>` and `fake_fail_<step>` steer it.
 */
export class FakeDeploy implements DeployInterface {
  readonly name = 'fake';
  readonly properties = FAKE_PROPERTIES;
  readonly steps: readonly StepDeclaration[];
  private readonly machine: FakeMachine;
  private readonly settings: DeploySettings;

  constructor(parts: { machine: FakeMachine; settings: DeploySettings }) {
    this.machine = parts.machine;
    this.settings = parts.settings;
    const lasting = (context: StepContext) => this.lasting(context);
    const off = (context: StepContext) =>
      context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
    this.steps = declareSteps({
      prepare_deploy: lasting,
      deploy: (context) => this.lasting(context, () => bootRamdisk(context)),
      write_image: lasting,
      prepare_instance_boot: (context) =>
        this.lasting(context, async () => {
          await context.interfaces.boot.cleanUpRamdisk(context);
          await context.interfaces.boot.prepareInstance(context);
          await context.interfaces.management.setBootDevice(context, 'disk', true);
        }),
      tear_down_agent: (context) => this.lasting(context, () => off(context)),
      switch_to_tenant_network: lasting,
      boot_instance: (context) =>
        this.lasting(context, () =>
          context.interfaces.power.setPowerState(context, 'power on', POWER_TIMEOUT),
        ),
      prepare_cleaning: (context) => this.lasting(context, () => bootRamdisk(context)),
      collect_clean_steps: async (context) => ({
        is: 'done',
        insert: planCleaning(context, OFFERED, cleanPriorities(this.settings)),
      }),
      tear_down_cleaning: (context) =>
        this.lasting(context, async () => {
          await context.interfaces.boot.cleanUpRamdisk(context);
          await off(context);
        }),
      tear_down: (context) =>
        this.lasting(context, async () => {
          await off(context);
          await context.interfaces.boot.cleanUpInstance(context);
        }),
    });
  }

  async validate(context: DriverContext): Promise<void> {
    this.machine.validate(context);
  }

  async runAgentStep(context: StepContext): Promise<StepOutcome> {
    return this.lasting(context);
  }

  async cleanUpFailure(
    context: WorkContext,
    operation: { uuid: string; kind: StepKind; reason: string },
  ): Promise<void> {
    const off =
      operation.kind === 'deploy'
        ? this.settings.power_off_after_deploy_failure
        : operation.kind === 'clean' && this.settings.poweroff_in_cleanfail;
    try {
      await context.interfaces.boot.cleanUpRamdisk(context);
      if (off) await context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
    } catch (error) {
      context.log.warn({ error: messageOf(error) }, 'the failed work could not be cleaned up wholly');
    }
  }

  /**
   * An effect that takes `fake_delay_<step>`. It is begun once for each operation: whoever enters again, a conductor
   * that was killed included, finds it under way, and always comes back through at least one poll.
   * @param acts what comes before it; may be repeated after a crash
   */
  private async lasting(context: StepContext, acts?: () => Promise<void>): Promise<StepOutcome> {
    const effect = context.step.name;
    const operation = context.operation.uuid;
    const delay = this.machine.delayOf(context, effect);
    // A step that is entered for the first time has begun nothing, whatever an earlier one of its name did.
    const begun =
      context.wake === 'start' ? undefined : await this.machine.begunAt(context, operation, effect);
    if (begun === undefined) {
      await acts?.();
      const now = await this.machine.begin(context, operation, effect);
      return { is: 'wait', for: 'poll', pollAfter: delay, checkpoint: { begun: now } };
    }
    const left = begun + delay - Date.now();
    if (left > 0) return { is: 'wait', for: 'poll', pollAfter: left, checkpoint: { begun } };
    this.machine.failIfAsked(context, effect);
    await this.machine.end(context, operation, effect);
    return { is: 'done' };
  }
}

async function bootRamdisk(context: StepContext): Promise<void> {
  await context.interfaces.boot.prepareRamdisk(context, {});
  await context.interfaces.power.setPowerState(context, 'power off', POWER_TIMEOUT);
  await context.interfaces.management.setBootDevice(context, 'pxe', false);
  await context.interfaces.power.setPowerState(context, 'power on', POWER_TIMEOUT);
}

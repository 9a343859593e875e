import { InvalidError } from '../../domain/errors.js';
import { POWER_TARGETS, type PowerTarget, settledPower } from '../../domain/power/power.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { StepContext, StepDeclaration } from '../../driver/contract/step.js';

const base = {
  interface: 'power',
  priority: 100,
  abortable: false,
  rerunnable: true,
  visible: false,
} as const;

/** A step that knows all of the node's interfaces. */
export type OwnStep = Omit<StepDeclaration, 'kind' | 'run'> & {
  kind: string;
  run(context: StepContext & { readonly all: Interfaces }): Promise<StepOutcome>;
};

/** Steps of the conductor itself, for every driver. */
export const OWN_STEPS: readonly OwnStep[] = [
  { ...base, name: 'verify', kind: 'verify', run: verify },
  { ...base, name: 'set_power_state', kind: 'power', run: setPowerState },
  { ...base, interface: 'rescue', name: 'clean_up_rescue', kind: 'teardown', run: cleanUpRescue },
];

export function ownStep(name: string): OwnStep {
  return OWN_STEPS.find((own) => own.name === name)!;
}

/** Can the machine be managed: its settings hold and its BMC answers. */
async function verify(context: StepContext): Promise<StepOutcome> {
  const { power, management } = context.interfaces;
  await power.validate(context);
  await management.validate(context);
  await context.save({ power_state: await power.getPowerState(context) });
  return { is: 'done' };
}

/** Arguments: `target`, `timeout` in ms. Run again after a crash it does nothing that is done already. */
async function setPowerState(context: StepContext): Promise<StepOutcome> {
  const { power } = context.interfaces;
  const target = context.step.args['target'] as PowerTarget;
  const timeout = context.step.args['timeout'] as number;
  if (!POWER_TARGETS.includes(target)) throw new InvalidError(`${target} is no power target`);
  const settled = settledPower(target);
  const reboot = target === 'rebooting' || target === 'soft rebooting';
  if (reboot || (await power.getPowerState(context)) !== settled) {
    await power.setPowerState(context, target, timeout);
  } else {
    await context.save({ power_state: settled });
  }
  return { is: 'done' };
}

async function cleanUpRescue(context: Parameters<OwnStep['run']>[0]): Promise<StepOutcome> {
  await context.all.rescue.cleanUp(context);
  return { is: 'done' };
}

import { InvalidError, UnavailableError } from '../../domain/errors.js';
import { POWER_TARGETS, type PowerTarget, settledPower } from '../../domain/power/power.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { StepContext } from '../../driver/contract/step.js';
import { ACTION_STEPS } from './action-steps.js';
import type { OwnContext, OwnStep } from './own-step.js';

/** The checkpoint of a hold step that the operator has released; the journal writes it with the verb `unhold`. */
export const HOLD_OVER = 'released';

const base = {
  interface: 'power',
  priority: 100,
  abortable: false,
  rerunnable: true,
  visible: false,
} as const;
const byUser = { ...base, abortable: true, visible: true, kinds: ['deploy', 'clean', 'service'] } as const;

/** Step names that a user may use with any interface (Ironic: conductor/steps.py). */
const RESERVED: readonly OwnStep[] = [
  { ...byUser, name: 'hold', run: hold },
  { ...byUser, name: 'wait', run: wait },
  { ...byUser, name: 'power_on', run: (context) => power(context, 'power on') },
  { ...byUser, name: 'power_off', run: (context) => power(context, 'power off') },
  { ...byUser, name: 'reboot', run: (context) => power(context, 'rebooting') },
];

const OWN_STEPS: readonly OwnStep[] = [
  // Only reads and saves.
  { ...base, name: 'verify', kinds: ['verify'], inside: () => true, run: verify },
  {
    ...base,
    name: 'set_power_state',
    kinds: ['power'],
    allowance: ({ timeout }) => timeout as number,
    run: setPowerState,
  },
  { ...base, interface: 'rescue', name: 'clean_up_rescue', kinds: ['teardown'], run: cleanUpRescue },
  { ...base, interface: 'console', name: 'stop_console', kinds: ['teardown'], run: stopConsole },
  { ...base, interface: 'deploy', name: 'refuse_steps', kinds: ['clean', 'service'], run: refuseSteps },
  ...RESERVED,
  ...ACTION_STEPS,
];

export function ownStep(name: string): OwnStep {
  return OWN_STEPS.find((own) => own.name === name)!;
}

export function isReserved(name: string): boolean {
  return RESERVED.some((own) => own.name === name);
}

/** The conductor's step for a journaled one. */
export function findOwnStep(kind: string, step: { interface: string; name: string }): OwnStep | undefined {
  return OWN_STEPS.find(
    (own) =>
      own.kinds.includes(kind) &&
      own.name === step.name &&
      (own.interface === step.interface || isReserved(own.name)),
  );
}

/** Whether the machine can be managed: its settings are valid and its BMC answers. */
async function verify(context: StepContext): Promise<StepOutcome> {
  const { power, management } = context.interfaces;
  await power.validate(context);
  await management.validate(context);
  await context.save({ power_state: await power.getPowerState(context) });
  return { is: 'done' };
}

/** Arguments: `target`, `timeout` in ms. Run again after a crash, it repeats nothing that is or may be done. */
async function setPowerState(context: StepContext): Promise<StepOutcome> {
  const target = context.step.args['target'] as PowerTarget;
  const timeout = context.step.args['timeout'] as number;
  if (!POWER_TARGETS.includes(target)) throw new InvalidError(`${target} is no power target`);
  const acted = await reach(context, target, timeout);
  if (!acted) await context.save({ power_state: settledPower(target) });
  return { is: 'done' };
}

/** @returns false if the machine was there already; a reboot is never */
async function reach(context: StepContext, target: PowerTarget, timeout: number): Promise<boolean> {
  const { power } = context.interfaces;
  if (target === 'rebooting' || target === 'soft rebooting') await reboot(context, target, timeout);
  else if ((await power.getPowerState(context)) === settledPower(target)) return false;
  else await power.setPowerState(context, target, timeout);
  return true;
}

/** The checkpoint of a reboot that was begun. */
const REBOOT_BEGUN = 'reboot begun';

/**
 * A reboot is begun once. Entered again after its begin, the step cannot know whether the machine has restarted: a
 * machine that is off is switched on, which ends the reboot; for one that is on, the user decides.
 */
async function reboot(context: StepContext, target: PowerTarget, timeout: number): Promise<void> {
  const { power } = context.interfaces;
  if (context.saved !== REBOOT_BEGUN) {
    await context.checkpoint(REBOOT_BEGUN);
    await power.setPowerState(context, target, timeout);
    return;
  }
  if ((await power.getPowerState(context)) === 'power off') {
    await power.setPowerState(context, 'power on', timeout);
    return;
  }
  await context.save({ power_state: 'power on' });
  throw new UnavailableError(
    'The step ended while it rebooted the machine, which is on now and may or may not have been restarted. A ' +
      'second reset could interrupt its start: request the reboot again if the machine needs it.',
  );
}

async function cleanUpRescue(context: OwnContext): Promise<StepOutcome> {
  await context.all.rescue.cleanUp(context);
  return { is: 'done' };
}

/** The console stays enabled in the node's row, for the next instance (Ironic: manager._do_node_tear_down). */
async function stopConsole(context: OwnContext): Promise<StepOutcome> {
  await context.all.console.stop(context);
  return { is: 'done' };
}

/** Arguments: `kind`, `faults`. */
async function refuseSteps(context: StepContext): Promise<StepOutcome> {
  const { kind, faults } = context.step.args;
  throw new InvalidError(
    `Cannot ${String(kind)} node ${context.node.uuid}: ${(faults as string[]).join('; ')}`,
  );
}

async function hold(context: StepContext): Promise<StepOutcome> {
  return context.saved === HOLD_OVER ? { is: 'done' } : { is: 'hold' };
}

/** Upstream's max_conductor_wait_step_seconds. */
const LONGEST_WAIT = 30;

/** Argument `seconds`; without it, waits until the next heartbeat. */
async function wait(context: StepContext): Promise<StepOutcome> {
  const { seconds } = context.step.args;
  if (seconds === undefined || seconds === null) {
    return context.wake === 'heartbeat' ? { is: 'done' } : { is: 'wait', for: 'heartbeat' };
  }
  const asked = Number(seconds);
  if (!Number.isInteger(asked) || asked < 0) throw new InvalidError('wait needs a whole number of seconds');
  if (asked > LONGEST_WAIT) context.log.warn({ asked, longest: LONGEST_WAIT }, 'the wait step is cut short');
  const begun = typeof context.saved === 'number' ? context.saved : Date.now();
  const left = begun + Math.min(asked, LONGEST_WAIT) * 1000 - Date.now();
  return left > 0 ? { is: 'wait', for: 'poll', pollAfter: left, checkpoint: begun } : { is: 'done' };
}

/** ms for a power change that a user requested as a step. */
const POWER_TIMEOUT = 60_000;

async function power(context: StepContext, target: PowerTarget): Promise<StepOutcome> {
  await reach(context, target, POWER_TIMEOUT);
  return { is: 'done' };
}

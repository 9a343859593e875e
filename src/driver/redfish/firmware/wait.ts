import type { RedfishSettings } from '../../../config/section/redfish.js';
import { FerricError } from '../../../domain/errors.js';
import type { StepOutcome } from '../../../domain/step/step.js';
import type { StepContext } from '../../contract/step.js';
import { isOfStart } from '../bios-resource.js';
import type { Progress } from './progress.js';

/** ms between two looks where no other time is configured. */
const LOOK = 10_000;
/** ms beyond the step's own limit: the step itself reports what is missing. */
const GRACE = 60_000;
const DAY = 86_400_000;

/** A phase that is over, or what the step waits for. */
export type Turn = Progress | { outcome: StepOutcome };

/** The next looks at an update. */
export class Looks {
  /** @param soonest ms; for tests */
  constructor(
    private readonly settings: RedfishSettings,
    private readonly soonest = LOOK,
  ) {}

  soon(progress: Progress): { outcome: StepOutcome } {
    return this.at(progress, Date.now() + this.soonest);
  }

  status(progress: Progress): { outcome: StepOutcome } {
    return this.after(progress, this.settings.firmware_update_status_interval);
  }

  validation(progress: Progress): { outcome: StepOutcome } {
    return this.after(progress, this.settings.firmware_update_validation_interval);
  }

  version(progress: Progress): { outcome: StepOutcome } {
    return this.after(progress, this.settings.firmware_update_bmc_version_check_interval);
  }

  /** @param due ms since 1970 */
  at(progress: Progress, due: number): { outcome: StepOutcome } {
    const { firmware_update_overall_timeout: limit } = this.settings;
    const left = limit === 0 ? DAY : Math.max(progress.began + limit * 1000 - Date.now(), 0);
    return {
      outcome: {
        is: 'wait',
        for: 'poll',
        pollAfter: Math.max(due - Date.now(), 1),
        timeout: left + GRACE,
        checkpoint: { ...progress, due },
      },
    };
  }

  private after(progress: Progress, seconds: number): { outcome: StepOutcome } {
    return this.at(progress, Date.now() + seconds * 1000);
  }
}

/** Begins a phase. */
export async function enter(context: StepContext, progress: Progress): Promise<Progress> {
  const next = { ...progress, since: Date.now(), due: 0 };
  await context.checkpoint(next);
  return next;
}

/** During an update a BMC may be busy or away, and not show everything. @returns undefined then */
export async function tolerant<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isOfStart(error)) throw error;
    return undefined;
  }
}

/** Not the end of this process's right to go on: another one takes such work up. */
export function isFailure(error: unknown, context: StepContext): error is FerricError {
  return (
    error instanceof FerricError &&
    !context.signal.aborted &&
    !['cancelled', 'reservation-lost', 'database-away'].includes(error.code)
  );
}

import { isObject, type JsonObject } from '../../domain/json.js';
import type { CommandRecord } from '../../protocol/agent/command.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';

/** The key of driver_internal_info that shows it. */
type Place = 'deploy_progress' | 'clean_progress';

/** Saves the progress of a running command; Ferric's agent counts bytes, upstream's reports none. */
export async function keepProgress(
  context: StepContext,
  record: CommandRecord,
  place: Place = 'deploy_progress',
): Promise<void> {
  const progress = record.command_result?.['progress'];
  if (!isObject(progress)) return;
  const { phase, bytes, total, seconds_left } = progress as Record<string, unknown>;
  if (typeof phase !== 'string' || typeof bytes !== 'number') return;
  const kept = {
    phase: phase.replaceAll(/[^a-z_]/g, '').slice(0, 32),
    bytes,
    total: typeof total === 'number' ? total : null,
    ...(typeof seconds_left === 'number' ? { seconds_left } : {}),
  };
  await saveProgress(context, kept, place);
}

/** @param progress undefined: the command has ended */
export async function saveProgress(
  context: StepContext,
  progress: JsonObject | undefined,
  place: Place = 'deploy_progress',
): Promise<void> {
  const { node } = context;
  if (internalOf(node)[place] === undefined && !progress) return;
  await context.save({ driver_internal_info: changedInternal(node, { [place]: progress }) });
}

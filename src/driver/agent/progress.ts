import type { JsonObject } from '../../domain/step/step.js';
import type { CommandRecord } from '../../protocol/agent/command.js';
import type { StepContext } from '../contract/step.js';

/** What the agent says of a command under way; ours counts bytes, upstream's says nothing. */
export async function keepProgress(context: StepContext, record: CommandRecord): Promise<void> {
  const progress = record.command_result?.['progress'];
  if (typeof progress !== 'object' || progress === null || Array.isArray(progress)) return;
  const { phase, bytes, total } = progress as Record<string, unknown>;
  if (typeof phase !== 'string' || typeof bytes !== 'number') return;
  await saveProgress(context, {
    phase: phase.replaceAll(/[^a-z_]/g, '').slice(0, 32),
    bytes,
    total: typeof total === 'number' ? total : null,
  });
}

/** @param progress undefined: the command has ended */
export async function saveProgress(context: StepContext, progress: JsonObject | undefined): Promise<void> {
  const { deploy_progress: _before, ...kept } = context.node.driver_internal_info;
  await context.save({
    driver_internal_info: { ...kept, ...(progress ? { deploy_progress: progress } : {}) },
  });
}

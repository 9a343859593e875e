import { type UncheckedObject } from '../../../src/protocol/agent/malformed-body.js';
import type { AgentStep, StepKind } from '../../../src/protocol/agent/step.js';
import { stepListResult } from '../../../src/protocol/agent/step.js';
import { isObject } from '../../../src/protocol/json.js';
import type { CommandContext, Extension } from '../command-board.js';
import {
  AgentError,
  cleaning,
  commandExecution,
  deployment,
  messageOf,
  methodNotFound,
  versionMismatch,
} from '../error.js';
import type { NodeCache } from '../node-cache.js';

/** The only hardware manager. The version changes with the meaning of a step: cleaning then restarts. */
const MANAGER = 'ferric_hardware_manager';
export const HARDWARE_MANAGER_VERSION = { [MANAGER]: '1.0' } as const;

export interface OfferedStep extends AgentStep {
  run(
    args: UncheckedObject,
    node: UncheckedObject,
    context: CommandContext,
  ): Promise<UncheckedObject | string | null>;
}

/** An extension such as `clean` or `deploy`: lists its steps and executes one of them. */
export function stepExtension(kind: StepKind, steps: readonly OfferedStep[], cache: NodeCache): Extension {
  const failed = kind === 'clean' ? cleaning : deployment;
  const offered = steps.map(({ run: _run, ...step }) => step);
  return {
    [`get_${kind}_steps`]: {
      kind: 'sync',
      run: async (params) => {
        cache.update(params['node']);
        return stepListResult(kind, {
          steps: { [MANAGER]: offered },
          hardware_manager_version: HARDWARE_MANAGER_VERSION,
        });
      },
    },
    [`execute_${kind}_step`]: {
      kind: 'async',
      run: async (params, context) => {
        cache.update(params['node']);
        checkVersion(params[`${kind}_version`]);
        const step = params['step'];
        if (!isObject(step) || typeof step['step'] !== 'string') {
          throw commandExecution(`Malformed ${kind}_step, no "step" key: ${JSON.stringify(step)}`);
        }
        const known = steps.find((candidate) => candidate.step === step['step']);
        if (!known) throw methodNotFound(step['step']);
        const args = isObject(step['args']) ? step['args'] : {};
        const node = isObject(params['node']) ? params['node'] : {};
        try {
          const result = await known.run(args, node, context);
          return { [`${kind}_result`]: result, [`${kind}_step`]: step };
        } catch (error) {
          if (error instanceof AgentError) throw error;
          const name = error instanceof Error ? error.name : typeof error;
          throw failed(
            `Unexpected exception performing ${kind} step ${step['step']}. ${name}: ${messageOf(error)}`,
            {
              cause: error,
            },
          );
        }
      },
    },
  };
}

/** Absent on the first run. @throws AgentError VersionMismatch */
function checkVersion(given: unknown): void {
  if (given === undefined || given === null) return;
  const own: Record<string, string> = HARDWARE_MANAGER_VERSION;
  const same =
    isObject(given) &&
    Object.keys(given).length === Object.keys(own).length &&
    Object.entries(own).every(([name, version]) => given[name] === version);
  if (!same) throw versionMismatch(own, given);
}

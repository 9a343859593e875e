import { FerricError } from '../../domain/errors.js';
import { isObject, type Json } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import type { CommandRecord } from '../../protocol/agent/command.js';
import type { StepContext } from '../contract/step.js';
import { AgentBusyError, type AgentClient } from './client.js';

/** What a command step saves between two entries. */
type State =
  /** About to be sent; `known` lists the commands that the agent had before. */
  { phase: 'issuing'; known: string[] } | { phase: 'running'; id: string; polls: number };

export interface LongCommand {
  /** `extension.command`. */
  name: string;
  /** Called once, right before the command is sent. */
  params(): Promise<Record<string, Json>>;
  /** SUCCEEDED, FAILED or CLEAN_VERSION_MISMATCH. */
  ended(record: CommandRecord): Promise<StepOutcome>;
  /** Called while it runs. */
  running?(record: CommandRecord): Promise<void>;
}

export interface CommandTimes {
  /** ms between two polls of a command. */
  interval: number;
  /** ms that a step may continue after each sign of life of its agent; 0: no limit. */
  inactivityTimeout: number;
}

/** The first polls come sooner: many commands are short. */
const FIRST_LOOKS = 3;
const FIRST_INTERVAL = 1_000;

/**
 * Sends the agent a command exactly once and follows it to its end, across crashes of the conductor. The list of
 * commands that the agent already has is committed before the command is sent; after a crash, a command that is in the
 * agent's list and not in the committed one is ours.
 */
export class AgentCommand {
  constructor(
    private readonly client: AgentClient,
    private readonly times: CommandTimes,
  ) {}

  /** One entry of a step. */
  async enter(context: StepContext, command: LongCommand): Promise<StepOutcome> {
    let state = stateOf(context.saved);
    try {
      let record: CommandRecord | null | undefined;
      if (!state) {
        state = { phase: 'issuing', known: (await this.client.commands(context)).map(({ id }) => id) };
        await context.checkpoint(state);
      } else if (state.phase === 'issuing') {
        const { known } = state;
        const bare = command.name.slice(command.name.indexOf('.') + 1);
        record = (await this.client.commands(context)).findLast(
          ({ id, command_name }) =>
            !known.includes(id) && (command_name === bare || command_name === command.name),
        );
      } else {
        record = await this.client.command(context, state.id);
        if (!record) {
          throw new FerricError(
            'agent-failed',
            `The agent was started anew while it executed ${command.name}.`,
          );
        }
      }
      record ??= await this.client.start(context, command.name, await command.params());
      if (record.command_status !== 'RUNNING') return await command.ended(record);
      const polls = state.phase === 'running' ? state.polls + 1 : 1;
      state = { phase: 'running', id: record.id, polls };
      await command.running?.(record);
      return this.look(state, polls <= FIRST_LOOKS ? FIRST_INTERVAL : this.times.interval, true);
    } catch (error) {
      if (!isPassing(error)) throw error;
      context.log.info({ command: command.name, error: error.message }, 'the agent is asked again later');
      return this.look(state, this.times.interval, false);
    }
  }

  /** @param alive the agent answered: the step's timeout starts anew */
  private look(state: State | undefined, interval: number, alive: boolean): StepOutcome {
    return {
      is: 'wait',
      for: 'poll',
      pollAfter: Math.min(interval, this.times.interval),
      ...(alive && this.times.inactivityTimeout > 0 ? { timeout: this.times.inactivityTimeout } : {}),
      ...(state ? { checkpoint: state } : {}),
    };
  }
}

/** An unreachable or busy agent is a transient fault; the step's deadline bounds the wait. */
export function isPassing(error: unknown): error is FerricError {
  return (
    error instanceof AgentBusyError || (error instanceof FerricError && error.code === 'agent-unreachable')
  );
}

function stateOf(saved: Json): State | undefined {
  if (!isObject(saved)) return undefined;
  const { phase, id, known, polls } = saved;
  if (phase === 'issuing' && Array.isArray(known)) return { phase, known: known.map(String) };
  if (phase === 'running' && typeof id === 'string') return { phase, id, polls: Number(polls) || 0 };
  return undefined;
}

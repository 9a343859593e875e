import { randomUUID } from 'node:crypto';
import type { CommandRecord } from '../../src/protocol/agent/command.js';
import type { UncheckedObject } from '../../src/protocol/agent/malformed-body.js';
import type { AgentLog } from './agent-log.js';
import { type AgentError, agentIsBusy, invalidCommand, objectNotFound, toAgentError } from './error.js';

export interface CommandContext {
  /** Shown as `command_result` while the command runs. */
  progress(value: UncheckedObject): void;
}

/** A command of an extension, called as `extension.command`. */
export interface Command {
  /** Asynchronous commands answer RUNNING at once; synchronous ones answer when done. */
  kind: 'sync' | 'async';
  /** Throws an AgentError of status 400 before the command starts; that error is the answer. */
  validate?: (params: UncheckedObject) => void;
  run: (params: UncheckedObject, context: CommandContext) => Promise<UncheckedObject | string | null>;
}

export type Extension = Readonly<Record<string, Command>>;

interface Entry {
  record: CommandRecord;
  done: Promise<void>;
}

export interface BoardOptions {
  extensions: Readonly<Record<string, Extension>>;
  log: AgentLog;
  onEnded?: () => void;
}

/**
 * The agent's commands: one at a time, all of them kept, so that a restarted conductor finds the commands that it
 * started. Order of checks and names are upstream's (ironic_python_agent/extensions/base.py).
 */
export class CommandBoard {
  private readonly entries = new Map<string, Entry>();
  private last: CommandRecord | undefined;

  constructor(private readonly options: BoardOptions) {}

  list(): CommandRecord[] {
    return [...this.entries.values()].map((entry) => entry.record);
  }

  /** @throws AgentError 404 */
  get(id: string): CommandRecord {
    const entry = this.entries.get(id);
    if (!entry) throw objectNotFound('Command Result', id);
    return entry.record;
  }

  /** Resolves when the command has ended. */
  async join(id: string): Promise<CommandRecord> {
    await this.entries.get(id)?.done;
    return this.get(id);
  }

  /**
   * @returns the record: ended for a synchronous command, RUNNING for an asynchronous one
   * @throws AgentError 400 malformed or unknown command, 404 unknown extension, 409 busy
   */
  async execute(name: string, params: UncheckedObject): Promise<CommandRecord> {
    const dot = name.indexOf('.');
    if (dot === -1) throw invalidCommand('Command name must be of the form <extension>.<name>');
    if (this.last?.command_status === 'RUNNING') throw agentIsBusy(this.last.command_name);
    const [extensionName, commandName] = [name.slice(0, dot), name.slice(dot + 1)];
    const extension = own(this.options.extensions, extensionName);
    if (!extension) throw objectNotFound('Extension', extensionName);
    const command = own(extension, commandName);
    if (!command) throw invalidCommand(`Unknown command: ${commandName}`);
    command.validate?.(params);

    const record: CommandRecord = {
      id: randomUUID(),
      command_name: commandName,
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
    };
    this.last = record;
    this.options.log.say(`command ${name} starts`);
    const done = this.perform(record, name, command, params);
    this.entries.set(record.id, { record, done });
    if (command.kind === 'sync') await done;
    return record;
  }

  private async perform(
    record: CommandRecord,
    name: string,
    command: Command,
    params: UncheckedObject,
  ): Promise<void> {
    const started = performance.now();
    const context: CommandContext = {
      progress: (value) => {
        if (record.command_status === 'RUNNING') record.command_result = { progress: value };
      },
    };
    try {
      const result = await command.run(params, context);
      record.command_result =
        typeof result === 'string' ? { result: `${record.command_name}: ${result}` } : result;
      record.command_status = 'SUCCEEDED';
    } catch (error) {
      const known: AgentError = toAgentError(error);
      record.command_result = null;
      record.command_error = known.toWire();
      record.command_status = known.type === 'VersionMismatch' ? 'CLEAN_VERSION_MISMATCH' : 'FAILED';
      // Upstream gives a failed synchronous command its full name.
      if (command.kind === 'sync') record.command_name = name;
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const why = record.command_error
      ? `: ${record.command_error.message}: ${record.command_error.details}`
      : '';
    this.options.log.say(`command ${name} ${record.command_status} after ${seconds} s${why}`);
    if (command.kind === 'async') this.options.onEnded?.();
  }
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

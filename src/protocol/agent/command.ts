import { isObject } from '../json.js';
import { MalformedBody, requireObject, requireString, type UncheckedObject } from './malformed-body.js';

/** CLEAN_VERSION_MISMATCH is also the status of deploy and service steps: the name was never changed. */
export const COMMAND_STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'CLEAN_VERSION_MISMATCH'] as const;
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

/** `command_error`: an error of the agent as it is sent (ironic_python_agent/errors.py). */
export interface CommandError {
  type: string;
  /** An HTTP status. */
  code: number;
  message: string;
  details: string;
}

/** One command of the agent, as `GET /v1/commands/{id}` shows it. */
export interface CommandRecord {
  id: string;
  /** Upstream names asynchronous commands without their extension, failed synchronous ones with it. */
  command_name: string;
  command_status: CommandStatus;
  command_error: CommandError | null;
  command_result: UncheckedObject | null;
}

/** Body of `POST /v1/commands`. */
export interface CommandRequest {
  /** `extension.command` */
  name: string;
  params: UncheckedObject;
}

/** @throws MalformedBody in the words of upstream's 400 */
export function parseCommandRequest(body: unknown): CommandRequest {
  if (!isObject(body) || typeof body['name'] !== 'string' || !isObject(body['params'])) {
    throw new MalformedBody('', 'Missing or invalid name or params');
  }
  return { name: body['name'], params: body['params'] };
}

/** @throws MalformedBody */
export function parseCommandRecord(body: unknown, field = ''): CommandRecord {
  const top = requireObject(body, field);
  const at = (name: string) => (field ? `${field}.${name}` : name);
  const status = requireString(top['command_status'], at('command_status'));
  if (!(COMMAND_STATUSES as readonly string[]).includes(status)) {
    throw new MalformedBody(at('command_status'), `must be one of ${COMMAND_STATUSES.join(', ')}`);
  }
  return {
    id: requireString(top['id'], at('id')),
    command_name: requireString(top['command_name'], at('command_name')),
    command_status: status as CommandStatus,
    command_error: parseCommandError(top['command_error'], at('command_error')),
    command_result: isObject(top['command_result']) ? top['command_result'] : null,
  };
}

/** `{commands: [...]}`, oldest first. @throws MalformedBody */
export function parseCommandList(body: unknown): CommandRecord[] {
  const commands = requireObject(body, '')['commands'];
  if (!Array.isArray(commands)) throw new MalformedBody('commands', 'must be a list');
  return commands.map((record, index) => parseCommandRecord(record, `commands[${index}]`));
}

/** An error that upstream could not serialize is `{error: text}` or a bare string; it keeps its text here. */
function parseCommandError(value: unknown, field: string): CommandError | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return { type: 'Unknown', code: 500, message: value, details: '' };
  const error = requireObject(value, field);
  const text = (key: string) => (typeof error[key] === 'string' ? error[key] : '');
  return {
    type: text('type') || 'Unknown',
    code: typeof error['code'] === 'number' ? error['code'] : 500,
    message: text('message') || text('error'),
    details: text('details'),
  };
}

import { execa } from 'execa';
import { CancelledError, FerricError } from '../domain/errors.js';

export interface Command {
  file: string;
  /** Passed as they are: no shell ever sees them. Never put a secret here, argument lists are public. */
  args: readonly string[];
  /** Added to a minimal environment (PATH, LANG, HOME), not to the daemon's own. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  stdin?: string;
  /** Milliseconds until SIGTERM; SIGKILL follows 2 s later. */
  timeout: number;
  /** Bytes kept of each output stream; a child that prints more is ended. Default 64 KiB. */
  maxOutput?: number;
  signal?: AbortSignal;
}

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Milliseconds. */
  duration: number;
}

export type CommandFault = 'not-found' | 'timeout' | 'output' | 'signal' | 'exit';

/** The message names the program and its exit, never its arguments or environment. */
export class CommandError extends FerricError {
  constructor(
    readonly file: string,
    readonly fault: CommandFault,
    readonly result: CommandResult,
    detail: string,
  ) {
    super('command-failed', `${file}: ${detail}`);
  }
}

/**
 * Runs one program to its end. The only place in the daemon that spawns.
 * @throws CommandError when it does not exist, exits non-zero, prints too much or outlives its timeout
 * @throws CancelledError when the signal fires
 */
export async function runCommand(command: Command): Promise<CommandResult> {
  const started = performance.now();
  const done = await execa(command.file, command.args, {
    shell: false,
    reject: false,
    extendEnv: false,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      ...command.env,
    },
    cwd: command.cwd,
    ...(command.stdin === undefined ? { stdin: 'ignore' as const } : { input: command.stdin }),
    timeout: command.timeout,
    killSignal: 'SIGTERM',
    forceKillAfterDelay: 2_000,
    maxBuffer: command.maxOutput ?? 65_536,
    cancelSignal: command.signal,
    stripFinalNewline: false,
  });
  const result: CommandResult = {
    exitCode: done.exitCode ?? -1,
    stdout: done.stdout ?? '',
    stderr: done.stderr ?? '',
    duration: performance.now() - started,
  };
  if (done.isCanceled) throw new CancelledError(`${command.file} was cancelled.`);
  if (done.code === 'ENOENT') throw new CommandError(command.file, 'not-found', result, 'is not installed');
  if (done.timedOut) {
    throw new CommandError(command.file, 'timeout', result, `did not end within ${command.timeout / 1000} s`);
  }
  if (done.isMaxBuffer)
    throw new CommandError(command.file, 'output', result, 'printed more than is allowed');
  if (done.isTerminated) throw new CommandError(command.file, 'signal', result, `ended by ${done.signal}`);
  if (done.failed) throw new CommandError(command.file, 'exit', result, `exit status ${result.exitCode}`);
  return result;
}

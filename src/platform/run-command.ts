import { type ChildProcess, fork, spawn } from 'node:child_process';
import { execa } from 'execa';
import { CancelledError, FerricError } from '../domain/errors.js';
import { contained } from './boundary.js';

export interface Command {
  file: string;
  /** Passed without a shell. Never put a secret here: argument lists are public. */
  args: readonly string[];
  /** Added to a minimal environment (PATH, LANG, HOME), not to the daemon's own. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  stdin?: string | Uint8Array;
  /** ms until SIGTERM to its process group; SIGKILL follows 2 s later. */
  timeout: number;
  /** Bytes kept of each output stream; a child that prints more is killed. Default 64 KiB. */
  maxOutput?: number;
  signal?: AbortSignal;
}

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** ms. */
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
 * Runs one program to its end. Only this module spawns programs.
 * @throws CommandError when it does not exist, exits non-zero, prints too much or outlives its timeout
 * @throws CancelledError when the signal fires
 */
export async function runCommand(command: Command): Promise<CommandResult> {
  const started = performance.now();
  // Its own process group: a grandchild that holds the pipes open must not outlive the deadline either.
  const child = execa(command.file, command.args, {
    shell: false,
    detached: true,
    reject: false,
    extendEnv: false,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      ...command.env,
    },
    cwd: command.cwd,
    ...(command.stdin === undefined ? { stdin: 'ignore' as const } : { input: command.stdin }),
    maxBuffer: command.maxOutput ?? 65_536,
    stripFinalNewline: false,
  });
  let ended: 'timeout' | 'cancelled' | undefined;
  let force: NodeJS.Timeout | undefined;
  const end = (why: 'timeout' | 'cancelled') => {
    ended ??= why;
    signalGroup(child.pid, 'SIGTERM');
    force ??= setTimeout(
      contained('command: end', () => signalGroup(child.pid, 'SIGKILL')),
      2_000,
    );
  };
  const deadline = setTimeout(
    contained('command: deadline', () => end('timeout')),
    command.timeout,
  );
  const cancel = contained('command: cancel', () => end('cancelled'));
  command.signal?.addEventListener('abort', cancel, { once: true });
  if (command.signal?.aborted) cancel();
  const done = await child;
  clearTimeout(deadline);
  clearTimeout(force);
  command.signal?.removeEventListener('abort', cancel);
  const result: CommandResult = {
    exitCode: done.exitCode ?? -1,
    stdout: done.stdout ?? '',
    stderr: done.stderr ?? '',
    duration: performance.now() - started,
  };
  if (ended === 'cancelled') throw new CancelledError(`${command.file} was cancelled.`);
  if (done.code === 'ENOENT') throw new CommandError(command.file, 'not-found', result, 'is not installed');
  if (ended === 'timeout') {
    throw new CommandError(command.file, 'timeout', result, `did not end within ${command.timeout / 1000} s`);
  }
  if (done.isMaxBuffer)
    throw new CommandError(command.file, 'output', result, 'printed more than is allowed');
  if (done.isTerminated) throw new CommandError(command.file, 'signal', result, `ended by ${done.signal}`);
  if (done.failed) throw new CommandError(command.file, 'exit', result, `exit status ${result.exitCode}`);
  return result;
}

/** Exit status that flock(1) is told to use if another process holds the lock; it has no default of its own. */
const HELD = 200;

/**
 * Locks an open file until it is closed: flock(2), which Node.js lacks, through flock(1), which inherits the file.
 * @returns false when another process holds the lock
 * @throws CommandError if the program is missing or fails
 */
export async function lockOpenFile(descriptor: number): Promise<boolean> {
  const flock = spawn('flock', ['--nonblock', `--conflict-exit-code=${HELD}`, '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  });
  const ended = await new Promise<number | string>((resolve, reject) => {
    flock.once('error', reject);
    flock.once(
      'exit',
      contained('flock', (code, signal) => resolve(code ?? signal ?? -1)),
    );
  }).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (ended === 0) return true;
  if (ended === HELD) return false;
  const result = { exitCode: -1, stdout: '', stderr: '', duration: 0 };
  if (ended === 'ENOENT')
    throw new CommandError('flock', 'not-found', result, 'is not installed (util-linux)');
  throw new CommandError('flock', 'exit', result, `ended with ${ended}`);
}

/**
 * Starts a module of ours as a process of its own, with a message channel and without our environment. It has its own
 * process group: Ctrl-C reaches only the daemon, which then ends this process in order.
 */
export function startModule(module: string, flags: readonly string[]): ChildProcess {
  return fork(module, [], {
    execArgv: [...flags],
    env: { MALLOC_ARENA_MAX: '1' },
    detached: true,
    serialization: 'advanced', // bytes for a program's standard input
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone already
  }
}

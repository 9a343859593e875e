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
  const kill = () => signalGroup(child.pid, 'SIGKILL');
  const end = (why: 'timeout' | 'cancelled') => {
    ended ??= why;
    signalGroup(child.pid, 'SIGTERM');
    force ??= setTimeout(contained('command: end', kill, kill), 2_000);
  };
  const deadline = setTimeout(
    contained('command: deadline', () => end('timeout'), kill),
    command.timeout,
  );
  const cancel = contained('command: cancel', () => end('cancelled'), kill);
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
  const args = ['--nonblock', `--conflict-exit-code=${HELD}`, '3'];
  return (await runOn(descriptor, 'flock', args, 'util-linux', [HELD])) === 0;
}

/**
 * A filter of a socket (BPF): drops a packet with SYN and without ACK, by byte 13 of the TCP header; all else passes.
 * `setsockopt(3, SOL_SOCKET, SO_ATTACH_FILTER, struct sock_fprog)`, for Linux with 64 bits (socket(7)).
 */
const DROP_SYN = `
my @code = ([0x30,0,0,13], [0x54,0,0,0x12], [0x15,0,1,0x02], [0x06,0,0,0], [0x06,0,0,0xffffffff]);
my $filter = join '', map { pack 'SCCL', @$_ } @code;
open my $socket, '+<&=', 3 or exit 1;
setsockopt $socket, 1, 26, pack('S x![P] P', scalar @code, $filter) or exit 1;
`;

/**
 * Makes the kernel ignore new connections to a listening TCP socket, while those whose handshake has begun can still be
 * accepted. Node.js sets no socket options; perl inherits the socket and does.
 * @throws CommandError if perl is missing or fails
 */
export async function ignoreNewConnections(descriptor: number): Promise<void> {
  await runOn(descriptor, 'perl', ['-e', DROP_SYN], 'perl-base', []);
}

/**
 * Runs a program that inherits an open file as its descriptor 3.
 * @param accepted exit statuses beside 0 that are no failure
 * @throws CommandError
 */
async function runOn(
  descriptor: number,
  file: string,
  args: readonly string[],
  debianPackage: string,
  accepted: readonly number[],
): Promise<number> {
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  });
  const ended = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once(
      'exit',
      contained('a program with an open file', (code, signal) => resolve(code ?? signal ?? -1), reject),
    );
  }).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof ended === 'number' && (ended === 0 || accepted.includes(ended))) return ended;
  const result = { exitCode: -1, stdout: '', stderr: '', duration: 0 };
  if (ended === 'ENOENT')
    throw new CommandError(file, 'not-found', result, `is not installed (${debianPackage})`);
  throw new CommandError(file, 'exit', result, `ended with ${ended}`);
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

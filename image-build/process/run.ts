import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { CancelledError } from '../../src/domain/errors.js';
import { MissingToolsError, ProgramError } from '../error.js';
import { killGroup } from './process-identity.js';
import { runContext } from './run-context.js';

/** PATH of programs: Debian's directories only, since the caller's Python or Node may be another version. */
export const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Variables passed on from the caller's environment, besides PATH and the language. */
const PASSED = [
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSH_AUTH_SOCK',
];

export interface RunOptions {
  /** Milliseconds; default 60 000. */
  timeout?: number;
  input?: string;
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  /** Milliseconds between SIGTERM and SIGKILL upon cancellation; default 2 000. */
  grace?: number;
  /** False: the output goes to the log only, of any size, and the result is empty. */
  capture?: boolean;
  /** Exit statuses that count as success; default 0. */
  accepted?: readonly number[];
}

/**
 * Runs a program to its end without a shell, in a process group of its own. The program ends with this process
 * (PR_SET_PDEATHSIG, set by setpriv). `args` must not contain secrets: they are public, and logged.
 * @returns its standard output
 * @throws ProgramError with its last output when it fails or times out
 * @throws MissingToolsError when it is not installed
 * @throws CancelledError when the work that it belongs to was cancelled
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { timeout = 60_000, input, cwd, grace = 2_000, capture = true, accepted = [0] } = options;
  const { signal, log, env } = runContext();
  if (signal?.aborted) throw new CancelledError();
  if (!file.includes('/') && !onPath(file)) throw new MissingToolsError([file]);
  log?.(`$ ${[file, ...args].map(quoted).join(' ')}\n`);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', file, ...args], {
    detached: true,
    env: { ...passedOn(), PATH: SYSTEM_PATH, LC_ALL: 'C.UTF-8', ...env, ...options.env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: 'pipe',
  });
  const closed = once(child, 'close');
  // A program may ignore its input; if it needed it, its exit status shows that.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let ended: 'timeout' | 'cancelled' | undefined;
  let force: NodeJS.Timeout | undefined;
  const end = (why: 'timeout' | 'cancelled') => {
    if (ended !== undefined || child.pid === undefined) return;
    const { pid } = child;
    ended = why;
    killGroup(pid, 'SIGTERM');
    force = setTimeout(() => killGroup(pid, 'SIGKILL'), grace);
  };
  const deadline = setTimeout(() => end('timeout'), timeout);
  const cancel = () => end('cancelled');
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  const words = new LastWords();
  let stdout = '';
  const listen = (stream: NodeJS.ReadableStream, keep: boolean) => {
    const decoder = new StringDecoder('utf8');
    stream.on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      log?.(text);
      words.add(text);
      if (keep) stdout += text;
    });
  };
  listen(child.stdout, capture);
  listen(child.stderr, false);
  // A background process that it has left may keep the pipes open as long as it lives.
  let drain: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    drain = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, 1_000);
  });
  const [status, killedBy] = (await closed) as [number | null, NodeJS.Signals | null];
  clearTimeout(drain);
  clearTimeout(deadline);
  clearTimeout(force);
  signal?.removeEventListener('abort', cancel);
  if (ended === 'cancelled') throw new CancelledError();
  const name = file.slice(file.lastIndexOf('/') + 1);
  if (ended === 'timeout') throw new ProgramError(name, `did not end within ${timeout / 1000} s`, null, '');
  if (status === null || !accepted.includes(status)) {
    const how = status === null ? `ended by ${killedBy}` : `exit status ${status}`;
    throw new ProgramError(name, how, status, words.text);
  }
  return stdout.endsWith('\n') ? stdout.slice(0, -1) : stdout;
}

/** Whether Debian's program directories contain it. */
export function onPath(program: string): boolean {
  return SYSTEM_PATH.split(':').some((directory) => existsSync(join(directory, program)));
}

function passedOn(): Record<string, string> {
  const found = PASSED.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The last lines of a program's output, which usually say why it failed. */
class LastWords {
  #kept = '';

  add(text: string): void {
    this.#kept = (this.#kept + text).slice(-4_096);
  }

  get text(): string {
    const lines = this.#kept.split('\n').map((line) => line.trim());
    return lines
      .filter((line) => line !== '')
      .slice(-6)
      .join('\n');
  }
}

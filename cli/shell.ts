import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** Environment of a command: its streams, variables and abort signal. */
export interface Shell {
  /** Results, and nothing else. */
  stdout: Writable;
  /** Answers to questions, and names of nodes for `-`. Absent: nobody answers. */
  stdin?: Readable & { isTTY?: boolean };
  /** Progress and errors. */
  stderr: Writable & { isTTY?: boolean; columns?: number };
  environment: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C, SIGTERM and SIGHUP. */
  signal: AbortSignal;
  /** Milliseconds for which requests to a daemon that does not respond are retried. */
  retryFor: number;
}

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  endpoint?: string;
  log?: string;
  scratch?: string;
  cache?: string;
  quiet?: boolean;
}

export function print(shell: Shell, line: string): void {
  shell.stdout.write(`${line}\n`);
}

/** Directory of what later builds can reuse. */
export function cacheDirectory(options: GlobalOptions, { environment }: Shell): string {
  const base = environment['XDG_CACHE_HOME'] || join(environment['HOME'] ?? homedir(), '.cache');
  return resolve(options.cache ?? join(base, 'ferric'));
}

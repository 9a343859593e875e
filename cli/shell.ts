import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Writable } from 'node:stream';

/** Where a command stands: what it reads and writes besides files. */
export interface Shell {
  /** Results, and nothing else. */
  stdout: Writable;
  /** Progress and errors. */
  stderr: Writable & { isTTY?: boolean; columns?: number };
  environment: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C, SIGTERM and SIGHUP. */
  signal: AbortSignal;
  /** Milliseconds for which a daemon that does not answer is asked again. */
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

/** Where builds keep what a later one can use again. */
export function cacheDirectory(options: GlobalOptions, { environment }: Shell): string {
  const base = environment['XDG_CACHE_HOME'] || join(environment['HOME'] ?? homedir(), '.cache');
  return resolve(options.cache ?? join(base, 'ferric'));
}

import { execa } from 'execa';
import { cancelSignal } from './cancellation.js';

/**
 * Runs one short program to its end, without a shell.
 * @param timeout milliseconds; default 60 000
 * @returns its standard output
 * @throws ExecaError with its standard error when it fails
 */
export async function run(
  file: string,
  args: readonly string[],
  options: { timeout?: number; input?: string; cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const { timeout = 60_000, input, cwd, env } = options;
  const signal = cancelSignal();
  const result = await execa(file, args, {
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    timeout,
    cwd,
    env: { LC_ALL: 'C.UTF-8', ...env },
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    maxBuffer: 16 * 1024 * 1024,
  });
  return result.stdout;
}

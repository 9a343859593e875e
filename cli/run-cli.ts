import { CommanderError } from 'commander';
import { FerricError, messageOf } from '../src/domain/errors.js';
import { ApiError, type ExitStatus, exitStatusOf } from './exit-status.js';
import { createProgram } from './program.js';
import type { Shell } from './shell.js';

/** Runs one command line. @returns the exit status; never throws */
export async function runCli(args: readonly string[], shell: Shell): Promise<ExitStatus> {
  const program = createProgram(shell);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has said why itself
    const status = shell.signal.aborted ? 130 : exitStatusOf(error);
    const expected = status === 130 || error instanceof FerricError || error instanceof ApiError;
    const text = expected || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
    shell.stderr.write(`ferric: ${status === 130 ? 'given up, everything is cleared' : text}\n`);
    return status;
  }
}

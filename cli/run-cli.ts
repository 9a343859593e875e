import { CommanderError } from 'commander';
import { messageOf } from '../src/domain/errors.js';
import { type ExitStatus, exitStatusOf, fileFaultOf } from './exit-status.js';
import { plain } from './node/plain-text.js';
import { createProgram, GROUP_NAMES } from './program.js';
import type { Shell } from './shell.js';

const GIVEN_UP =
  'given up; nothing of it is left on this machine, and what the daemon has accepted goes on there';

/** Runs one command line. @returns the exit status; never throws */
export async function runCli(args: readonly string[], shell: Shell): Promise<ExitStatus> {
  try {
    const program = await createProgram(
      shell,
      GROUP_NAMES.filter((name) => args.includes(name)),
    );
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed the message
    const status = shell.signal.aborted ? 130 : exitStatusOf(error);
    // The reader of the results has closed the pipe: no fault, and no message.
    if (shell.stdout.errored) return status;
    const text = status === 1 && error instanceof Error ? (error.stack ?? error.message) : sentenceOf(error);
    shell.stderr.write(`ferric: ${status === 130 ? GIVEN_UP : plain(text)}\n`);
    return status;
  }
}

/** Message of an error. A file error names the file and leaves out the system call. */
function sentenceOf(error: unknown): string {
  const fault = fileFaultOf(error);
  return fault === undefined ? messageOf(error) : fault.text;
}

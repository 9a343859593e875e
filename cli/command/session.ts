import { rm } from 'node:fs/promises';
import { BuildSession } from '../../image-build/session/build-session.js';
import { FerricError } from '../../src/domain/errors.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { showProgress } from '../terminal/progress.js';

/**
 * Does work of stages with progress on standard error. The log file is named whichever way it ends.
 * @param logFile where the log goes when the user does not say
 * @param keepLog with 'failures', a log that nobody asked for goes when the work is done
 */
export async function useSession<T>(
  shell: Shell,
  options: GlobalOptions,
  logFile: string,
  work: (session: BuildSession) => Promise<T>,
  keepLog: 'always' | 'failures' = 'always',
): Promise<T> {
  const log = options.log ?? logFile;
  let begun = false;
  let kept = true;
  try {
    const result = await BuildSession.use(
      {
        logFile: log,
        signal: shell.signal,
        ...(options.scratch === undefined ? {} : { scratchBase: options.scratch }),
        ...(options.quiet ? {} : { onEvent: showProgress(shell) }),
      },
      (session) => {
        begun = true;
        return work(session);
      },
    );
    if (keepLog === 'failures' && options.log === undefined) {
      await rm(log, { force: true });
      kept = false;
    }
    return result;
  } finally {
    if (begun && kept) shell.stderr.write(`log: ${log}\n`);
  }
}

/** A wrong value of the user's. */
export class UsageError extends FerricError {
  constructor(message: string) {
    super('invalid', message);
  }
}

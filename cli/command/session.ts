import { BuildSession } from '../../image-build/session/build-session.js';
import { FerricError } from '../../src/domain/errors.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { showProgress } from '../terminal/progress.js';

/**
 * Does work of stages with progress on standard error. The log file is named whichever way it ends.
 * @param logFile where the log goes when the user does not say
 */
export async function useSession<T>(
  shell: Shell,
  options: GlobalOptions,
  logFile: string,
  work: (session: BuildSession) => Promise<T>,
): Promise<T> {
  const log = options.log ?? logFile;
  let begun = false;
  try {
    return await BuildSession.use(
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
  } finally {
    if (begun) shell.stderr.write(`log: ${log}\n`);
  }
}

/** A wrong value of the user's. @public */
export class UsageError extends FerricError {
  constructor(message: string) {
    super('invalid', message);
  }
}

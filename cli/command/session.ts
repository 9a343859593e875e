import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { BuildLog } from '../../image-build/session/build-log.js';
import { BuildSession } from '../../image-build/session/build-session.js';
import { refuseUnwritable } from '../../image-build/session/directory.js';
import { FerricError } from '../../src/domain/errors.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { showProgress } from '../terminal/progress.js';

interface SessionWishes {
  /** With 'failures', a log that nobody asked for goes when the work is done. */
  keepLog?: 'always' | 'failures';
  /** The path without extension that the results get. */
  output?: string;
  cache?: string;
}

/**
 * Does work of stages with progress on standard error. The log file is named whichever way it ends.
 * @param logFile where the log goes when the user does not say
 * @param wishes where it will write besides: each place is looked at before the work begins
 */
export async function useSession<T>(
  shell: Shell,
  options: GlobalOptions,
  logFile: string,
  work: (session: BuildSession) => Promise<T>,
  { keepLog = 'always', output, cache }: SessionWishes = {},
): Promise<T> {
  const log = options.log ?? logFile;
  refuseUnwritable(dirname(resolve(log)), '--log');
  if (options.scratch !== undefined) refuseUnwritable(options.scratch, '--scratch');
  if (output !== undefined) refuseUnwritable(dirname(resolve(output)), '--output');
  if (cache !== undefined) refuseUnwritable(cache, '--cache');
  let begun = false;
  let kept = true;
  let written: BuildLog | undefined;
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
        written = session.log;
        return work(session);
      },
    );
    if (keepLog === 'failures' && options.log === undefined) {
      await rm(log, { force: true });
      kept = false;
    }
    return result;
  } finally {
    const gaps = written?.fault === undefined ? '' : ` (not whole: ${written.fault})`;
    if (begun && kept) shell.stderr.write(`log: ${log}${gaps}\n`);
  }
}

/** A wrong value of the user's. */
export class UsageError extends FerricError {
  constructor(message: string) {
    super('invalid', message);
  }
}

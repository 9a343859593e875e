import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { BuildLog } from '../../image-build/session/build-log.js';
import { BuildSession } from '../../image-build/session/build-session.js';
import { refuseUnwritable } from '../../image-build/session/directory.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { showProgress } from '../terminal/progress.js';

interface SessionWishes {
  /** 'failures': the log is deleted after a success, unless --log named it. */
  keepLog?: 'always' | 'failures';
  /** Path of the results, without extension. */
  output?: string;
  cache?: string;
}

/**
 * Runs work in stages with progress on standard error. The log's path is printed at the end if the log is kept.
 * @param logFile path of the log without --log
 * @param wishes further places that the work writes to: each is checked before the work begins
 */
export async function useSession<T>(
  shell: Shell,
  options: GlobalOptions,
  logFile: string,
  work: (session: BuildSession) => Promise<T>,
  { keepLog = 'always', output, cache }: SessionWishes = {},
): Promise<T> {
  const log = options.log ?? logFile;
  if (output !== undefined) refuseUnwritable(dirname(resolve(output)), '--output');
  refuseUnwritable(dirname(resolve(log)), options.log === undefined ? 'the log' : '--log');
  if (options.scratch !== undefined) refuseUnwritable(options.scratch, '--scratch');
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

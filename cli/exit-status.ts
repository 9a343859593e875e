import { reason } from '../image-build/session/directory.js';
import { type ErrorCode, FerricError } from '../src/domain/errors.js';

/** Exit statuses of the `ferric` command; the table in the documentation is generated from this one. */
export const EXIT_STATUSES = {
  0: 'Done.',
  1: 'Failed in a way that is none of the below; the message says how.',
  2: 'Wrong use: an unknown command or option, a missing or bad value.',
  3: 'Refused: what was asked for can’t be done, or must not be (unsafe image, disk in use). Nothing was begun.',
  4: 'Something is missing on this machine: a program, its package, rights, or room on a disk.',
  5: 'A source can’t be reached: a mirror, an image, a repository. The message names what was tried.',
  6: 'The daemon, or another Image service, can’t be reached or says no.',
  7: 'A program of the build failed; the log has all that it said.',
  8: 'Accepted, but a node failed, or ended in another state than was asked for; the message says why.',
  9: 'Partly: of several nodes some succeeded, some did not.',
  10: 'There is no such thing: a node, an image.',
  124: 'Not ended within --timeout; it goes on.',
  129: 'Ended by SIGHUP; cleaned up here, and what the daemon has accepted goes on.',
  130: 'Ended by Ctrl-C (SIGINT); cleaned up here, and what the daemon has accepted goes on.',
  143: 'Ended by SIGTERM; cleaned up here, and what the daemon has accepted goes on.',
} as const;
export type ExitStatus = keyof typeof EXIT_STATUSES;

const OF_CODE: Record<ErrorCode, ExitStatus> = {
  invalid: 2,
  unauthenticated: 6,
  forbidden: 6,
  'not-found': 2,
  'method-not-allowed': 6,
  'not-acceptable': 6,
  conflict: 3,
  locked: 3,
  'too-large': 3,
  'too-many-requests': 6,
  unavailable: 4,
  'database-away': 6,
  unsupported: 3,
  'bmc-unreachable': 6,
  'bmc-authentication': 6,
  'bmc-failed': 6,
  'agent-unreachable': 6,
  'agent-failed': 6,
  'image-refused': 3,
  'image-unavailable': 5,
  'command-failed': 7,
  timeout: 6,
  'reservation-lost': 6,
  cancelled: 130,
  internal: 1,
};

/** An error response of the daemon or the Image service, or no response. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** HTTP status; undefined: no response. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ApiError';
  }
}

/** What became of nodes, where it is not what was asked for. */
export class NodeOutcomeError extends Error {
  constructor(
    readonly exitStatus: 8 | 9 | 124,
    message: string,
  ) {
    super(message);
    this.name = 'NodeOutcomeError';
  }
}

/** System errors that mean a wrong path; all others are faults of this machine. */
const WRONG_NAME = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG', 'ELOOP'];

/** Exit status and message of a file error; undefined for other errors. */
export function fileFaultOf(error: unknown): { status: ExitStatus; text: string } | undefined {
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const isFile =
    error instanceof Error && code !== undefined && syscall !== undefined && FILE_CALLS.test(syscall);
  if (!isFile) return undefined;
  const place = dest ?? path;
  return {
    status: WRONG_NAME.includes(code) ? 2 : 4,
    text:
      place === undefined ? `a file can't be written or read: ${reason(code)}` : `${place}: ${reason(code)}`,
  };
}

/** System calls of `node:fs`; sockets and processes have others. */
const FILE_CALLS =
  /^(access|chmod|chown|close|copyfile|f?sync|fdatasync|fstat|ftruncate|link|lstat|mkdir|mkdtemp|open|read|readlink|realpath|rename|rmdir|rm|scandir|stat|symlink|truncate|unlink|utime|write)$/;

export function exitStatusOf(error: unknown): ExitStatus {
  if (error instanceof NodeOutcomeError) return error.exitStatus;
  if (error instanceof ApiError) return error.status === 404 ? 10 : 6;
  if (error instanceof FerricError) return OF_CODE[error.code];
  return fileFaultOf(error)?.status ?? 1;
}

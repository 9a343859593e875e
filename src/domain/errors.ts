/**
 * Codes of all failures that Ferric raises on purpose. HTTP has no place here: `api/error/status.ts` maps each code to
 * its status, and a code without a row there does not compile.
 */
export type ErrorCode =
  | 'invalid' // a value, a missing value or an illegal verb
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable' // newer than the requested microversion
  | 'conflict' // wrong state for the edit, duplicate
  | 'locked' // another operation holds the node
  | 'too-large'
  | 'too-many-requests'
  | 'unavailable' // Ferric itself: no free worker, too many streams
  | 'database-away' // thrown in src/database only
  | 'unsupported' // the hardware type has no such interface or command
  | 'bmc-unreachable'
  | 'bmc-authentication'
  | 'bmc-failed'
  | 'agent-unreachable'
  | 'agent-failed'
  | 'image-refused' // unsafe, mismatching or not permitted
  | 'image-unavailable' // cannot be fetched now
  | 'command-failed'
  | 'timeout' // a call of a driver, or a wait, took longer than it may
  | 'reservation-lost' // the reservation expired or went to another holder
  | 'cancelled'
  | 'internal';

export class FerricError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class InvalidError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid', message, options);
  }
}

export class NotFoundError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('not-found', message, options);
  }
}

export class ConflictError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('conflict', message, options);
  }
}

export class ForbiddenError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('forbidden', message, options);
  }
}

/** The node is reserved; `holder` is the conductor's host name, as in Ironic's message. */
export class LockedError extends FerricError {
  constructor(
    readonly node: string,
    readonly holder: string,
  ) {
    super(
      'locked',
      `Node ${node} is locked by host ${holder}, please retry after the current operation is completed.`,
    );
  }
}

/** This holder's reservation expired or was taken: its work must stop without another effect. */
export class ReservationLostError extends FerricError {
  constructor(node: string) {
    super('reservation-lost', `The reservation of node ${node} was lost; nothing more is done under it.`);
  }
}

/** A call of a driver took longer than it may in all: nobody knows what hangs. */
export class DriverCallTimeoutError extends FerricError {
  /** @param limit ms */
  constructor(limit: number) {
    super('timeout', `No end after ${limit / 1000} s: the call of the driver was given up.`);
  }
}

export class UnsupportedError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('unsupported', message, options);
  }
}

export class UnavailableError extends FerricError {
  constructor(message: string, options?: ErrorOptions) {
    super('unavailable', message, options);
  }
}

/** Why the database cannot be used, with the message for each reason. */
const TROUBLES = {
  lost: 'The database is away.',
  login: 'The database refuses the login, or a right that Ferric needs.',
  'read-only': 'The database is read-only.',
  slow: 'The database took too long.',
  contended: 'The database is contended: others held what was asked for.',
  exhausted: 'The database has no resources left.',
  'disk-full': 'The disk of the database is full.',
  'out-of-memory': 'The database is out of memory.',
  'too-many-connections': 'The database has too many connections.',
  broken: 'The database reports an internal fault.',
} as const;
export type DatabaseTrouble = keyof typeof TROUBLES;

/**
 * The database cannot be used now; the request itself is not at fault. Thrown in `src/database` only, where the origin
 * of the error is certain: no other error may be taken for it.
 */
export class DatabaseAwayError extends FerricError {
  /** @param undone the server confirmed that nothing took effect; a retry may succeed */
  constructor(
    readonly trouble: DatabaseTrouble,
    readonly undone: boolean,
    options?: ErrorOptions,
  ) {
    super('database-away', TROUBLES[trouble], options);
  }
}

/** Whether this error, or one in its chain of causes, is the absence of the database. */
export function isDatabaseAway(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof DatabaseAwayError) return true;
  return false;
}

export class CancelledError extends FerricError {
  constructor(message = 'The work was cancelled.', options?: ErrorOptions) {
    super('cancelled', message, options);
  }
}

/** Cancelled before its turn at the BMC came: what it waited for is this daemon's own work, and the BMC was not asked. */
export class TurnCancelledError extends CancelledError {
  constructor() {
    super('The work was cancelled before its turn at the BMC came.');
  }
}

/** The code of any thrown value; `internal` for an error that Ferric did not raise on purpose. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof FerricError ? error.code : 'internal';
}

/** The message of any thrown value, for a log line or `last_error`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

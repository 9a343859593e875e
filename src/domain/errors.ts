/**
 * Every failure that Ferric raises on purpose. No HTTP here: `api/error/status.ts` gives each code its status,
 * and a code without a row there does not compile.
 */
export type ErrorCode =
  | 'invalid' // a value, a missing value or an illegal verb
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable' // newer than the microversion asked for
  | 'conflict' // wrong state for the edit, duplicate
  | 'locked' // another operation holds the node
  | 'too-large'
  | 'too-many-requests'
  | 'unavailable' // no free worker, database away
  | 'unsupported' // the hardware type has no such interface or command
  | 'bmc-unreachable'
  | 'bmc-authentication'
  | 'bmc-failed'
  | 'agent-unreachable'
  | 'agent-failed'
  | 'image-refused' // unsafe, mismatching or not permitted
  | 'image-unavailable' // cannot be fetched now
  | 'command-failed'
  | 'lease-lost' // the reservation expired or went to another holder
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

/** The node is reserved: `holder` is the conductor's host name, as Ironic's message names it. */
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

/** This holder's reservation expired or passed on: whatever it was doing must stop without another effect. */
export class LeaseLostError extends FerricError {
  constructor(node: string) {
    super('lease-lost', `The reservation of node ${node} was lost; nothing more is done under it.`);
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

export class CancelledError extends FerricError {
  constructor(message = 'The work was cancelled.', options?: ErrorOptions) {
    super('cancelled', message, options);
  }
}

/** The message of whatever was thrown, for a log line or `last_error`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

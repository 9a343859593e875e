import type { IncomingMessage } from 'node:http';
import { FerricError, ForbiddenError, UnavailableError } from '../../domain/errors.js';
import type { Subject } from './who.js';

/** The identity behind a request. */
export interface Login {
  readonly user: string | null;
  readonly project: string | null;
  /** The subject that the rules judge; null: everything is allowed. */
  readonly subject: Subject | null;
}

/** A way to authenticate requests. */
export abstract class Access {
  /** @throws LoginRefused, TooManyRequests, UnavailableError */
  abstract login(request: IncomingMessage): Promise<Login>;
  /** Ends its threads and connections. */
  async close(): Promise<void> {}
}

export const ANYBODY: Login = { user: null, project: null, subject: null };

/** Characters of an account or project name in a record (`event.user_name` and others). */
const MOST_NAME = 255;

/**
 * For every way to log in: a login whose name does not fit into the records of its actions is refused.
 * @throws ForbiddenError
 */
export function nameable(login: Login): Login {
  for (const [what, name] of [
    ['account', login.user],
    ['project', login.project],
  ] as const) {
    if (name === null) continue;
    if ([...name].length > MOST_NAME) {
      throw new ForbiddenError(`The name of the ${what} has more than ${MOST_NAME} characters.`);
    }
    if (/[\u0000-\u001f\u007f]/.test(name)) {
      throw new ForbiddenError(`The name of the ${what} has control characters.`);
    }
  }
  return login;
}

/** Allows everything to everyone; the start refuses it beyond loopback unless that is configured. */
export class NoAuth extends Access {
  override async login(): Promise<Login> {
    return ANYBODY;
  }
}

/** Answered in the form of the login middleware, not of the API, as in Ironic. */
export class LoginRefused extends FerricError {
  /** @param challenge value of WWW-Authenticate; null for a malformed login */
  constructor(
    message: string,
    readonly challenge: string | null,
    readonly title?: string,
  ) {
    super(challenge === null ? 'invalid' : 'unauthenticated', message);
  }
}

/** The authentication backend is unavailable. */
export class LoginUnavailable extends UnavailableError {
  /** @param retryAfter seconds */
  constructor(
    message: string,
    readonly retryAfter: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

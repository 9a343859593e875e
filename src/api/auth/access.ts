import type { IncomingMessage } from 'node:http';
import { FerricError, ForbiddenError, UnavailableError } from '../../domain/errors.js';
import type { Subject } from './who.js';

/** Who a request is from. */
export interface Login {
  readonly user: string | null;
  readonly project: string | null;
  /** What the rules judge; null: whoever is in may do everything. */
  readonly subject: Subject | null;
}

/** The door where logins come in. */
export abstract class Access {
  /** @throws LoginRefused, TooManyRequests, UnavailableError */
  abstract login(request: IncomingMessage): Promise<Login>;
  /** Ends what it holds open. */
  async close(): Promise<void> {}
}

export const ANYBODY: Login = { user: null, project: null, subject: null };

/** Characters that a record keeps of an account or a project (`event.user_name` and others). */
const MOST_NAME = 255;

/**
 * The rule for every way to log in: who cannot be named in the record of what they do, does nothing.
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

/** Whoever reaches the listener may do everything; the start refuses it beyond loopback unless that is configured. */
export class NoAuth extends Access {
  override async login(): Promise<Login> {
    return ANYBODY;
  }
}

/** Answered in the login’s own form, not in the API’s, as Ironic’s middleware does. */
export class LoginRefused extends FerricError {
  /** @param challenge value of WWW-Authenticate; null for a request that is no login at all */
  constructor(
    message: string,
    readonly challenge: string | null,
    readonly title?: string,
  ) {
    super(challenge === null ? 'invalid' : 'unauthenticated', message);
  }
}

/** Nobody can log in now. */
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

import type { IncomingMessage } from 'node:http';
import { FerricError, UnavailableError } from '../../domain/errors.js';
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

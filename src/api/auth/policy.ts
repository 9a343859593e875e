import type { IncomingMessage } from 'node:http';
import { SetMetadata } from '@nestjs/common';
import type { Requester } from '../../conductor/conductor.js';

export const POLICY = 'ferric:policy';

/** Names the rule that decides who may call a route: Ironic's policy names, `public` where no login is needed. */
export const Policy = (name: string): MethodDecorator => SetMetadata(POLICY, name);

/** The door where logins come in. */
export abstract class Access {
  /** @throws FerricError unauthenticated or forbidden */
  abstract authorize(request: IncomingMessage, policy: string): Promise<Pick<Requester, 'user' | 'project'>>;
}

/** Whoever reaches the listener may do everything; the start refuses it beyond loopback unless that is configured. */
export class NoAuth extends Access {
  override async authorize(): Promise<Pick<Requester, 'user' | 'project'>> {
    return { user: null, project: null };
  }
}

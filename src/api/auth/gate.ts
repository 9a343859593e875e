import { type CanActivate, type ExecutionContext, NotFoundException } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { FerricError } from '../../domain/errors.js';
import { SINCE } from '../microversion/since.js';
import type { ApiRequest, Asked } from '../request/asked.js';
import { type Access, POLICY } from './policy.js';

/** Lets a request through to its route: the route is known at the request's version, and its policy agrees. */
export class Gate implements CanActivate {
  readonly #reflector = new Reflector();

  constructor(private readonly access: Access) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest & { asked: Asked }>();
    const handler = context.getHandler();
    const since = this.#reflector.get<number | undefined>(SINCE, handler);
    const policy = this.#reflector.get<string | undefined>(POLICY, handler);
    if (since === undefined || policy === undefined) {
      throw new FerricError('internal', `${handler.name} declares no version or no policy`);
    }
    if (!request.asked.version.has(since)) throw new NotFoundException();
    if (policy !== 'public') {
      const who = await this.access.authorize(request.raw, policy);
      request.asked = { ...request.asked, by: { ...request.asked.by, ...who } };
    }
    return true;
  }
}

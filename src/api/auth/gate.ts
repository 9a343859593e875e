import {
  type CanActivate,
  type ExecutionContext,
  MethodNotAllowedException,
  NotFoundException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { FerricError, NotFoundError } from '../../domain/errors.js';
import { ELSE_405, SINCE } from '../microversion/since.js';
import { DESCRIPTION, type RouteDescription } from '../openapi/describe.js';
import type { ApiRequest } from '../request/asked.js';
import { isOfImages } from '../request/path.js';
import { readQuery } from '../request/query.js';
import { POLICY } from './policy.js';
import type { RuleName } from './policy-table.js';

/** Paths that Ironic's router leads on from an item: there it says itself that nothing is found. */
const ROUTED = /^\/v1\/(nodes|portgroups)\/[^/?]+\/(?!management|states)/;

/**
 * Lets a request through to its route: the route is known at the request's version, takes parameters if there are any,
 * and its policy agrees.
 */
export class Gate implements CanActivate {
  readonly #reflector = new Reflector();

  canActivate(context: ExecutionContext): boolean {
    const { asked, url, query } = context.switchToHttp().getRequest<ApiRequest>();
    const handler = context.getHandler();
    const since = this.#reflector.get<number | undefined>(SINCE, handler);
    const policy = this.#reflector.get<RuleName | 'public' | undefined>(POLICY, handler);
    if (since === undefined || policy === undefined) {
      throw new FerricError('internal', `${handler.name} declares no version or no policy`);
    }
    if (!asked.version.has(since)) {
      const else405 = this.#reflector.get<true | undefined>(ELSE_405, handler);
      if (else405) throw new MethodNotAllowedException();
      throw ROUTED.test(url) ? new NotFoundException() : new NotFoundError('Resource could not be found.');
    }
    // A route with parameters reads them itself; Glance takes any anywhere.
    if (url.includes('?') && !isOfImages(url)) {
      const described = this.#reflector.get<RouteDescription | undefined>(DESCRIPTION, handler);
      if (described && !described.query && !described.anyQuery) readQuery(query, {}, asked.version);
    }
    if (policy !== 'public') asked.scope.enter(policy);
    return true;
  }
}

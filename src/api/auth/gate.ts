import {
  type CanActivate,
  type ExecutionContext,
  MethodNotAllowedException,
  NotFoundException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { FerricError, NotFoundError } from '../../domain/errors.js';
import { BEHIND_POLICY, ELSE, SINCE } from '../microversion/since.js';
import { DESCRIPTION, type RouteDescription } from '../openapi/describe.js';
import type { ApiRequest } from '../request/asked.js';
import { isOfImages } from '../request/path.js';
import { readQuery } from '../request/query.js';
import { POLICY } from './policy.js';
import type { RuleName } from './policy-table.js';

/** Paths below an item for which Ironic's router answers 404 itself, not in the API's form. */
const ROUTED = /^\/v1\/(nodes|portgroups)\/[^/?]+\/(?!management|states)/;

/** Routes of one node: whether the request may see the node is decided before its rule. */
const OF_NODE = /^\/v1\/nodes\/(?!detail(\?|$)|validate(\?|$))[^/?]+/;

/**
 * Admits a request to its route: the route must exist at the request's version, know the query parameters, and have a
 * policy that allows the request.
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
    const refusal = asked.version.has(since) ? null : this.#refusal(handler, since, url);
    const policyFirst = this.#reflector.get<true | undefined>(BEHIND_POLICY, handler) === true;
    if (refusal && !policyFirst) throw refusal;
    // A route with parameters reads them itself; Glance ignores unknown ones.
    if (url.includes('?') && !isOfImages(url)) {
      const described = this.#reflector.get<RouteDescription | undefined>(DESCRIPTION, handler);
      if (described && !described.query && !described.anyQuery) readQuery(query, {}, asked.version);
    }
    if (policy !== 'public') asked.scope.enter(policy, { ofNode: OF_NODE.test(url), refusal });
    return true;
  }

  /** The answer to a request that is older than the route. */
  #refusal(handler: Parameters<Reflector['get']>[1], since: number, url: string): Error {
    switch (this.#reflector.get<405 | 406 | undefined>(ELSE, handler)) {
      case 405:
        return new MethodNotAllowedException();
      case 406:
        return new FerricError(
          'not-acceptable',
          `Request not acceptable. The minimal required API version should be 1.${since}`,
        );
      default:
        return ROUTED.test(url) ? new NotFoundException() : new NotFoundError('Resource could not be found.');
    }
  }
}

import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA } from '@nestjs/common/constants.js';
import { POLICY } from './auth/policy.js';
import { BEHIND_POLICY, ELSE, SINCE } from './microversion/since.js';
import { DESCRIPTION, type RouteDescription } from './openapi/describe.js';

export interface DeclaredRoute {
  method: string;
  path: string;
  since: number | undefined;
  policy: string | undefined;
  description: RouteDescription | undefined;
  /** Requests that are too old find nothing there: not another method, not a rule that says no. */
  hides: boolean;
  /** HTTP status of a good answer. */
  status: number;
}

/** What the decorators of controllers say: for tests and for the reference. In the order of their declaration. */
export function declaredRoutes(controllers: readonly Type[]): DeclaredRoute[] {
  return controllers.flatMap((controller) => {
    const base = String(Reflect.getMetadata('path', controller) ?? '');
    return Object.values(Object.getOwnPropertyDescriptors(controller.prototype)).flatMap(({ value }) => {
      if (typeof value !== 'function' || !Reflect.hasMetadata('method', value)) return [];
      const path = [base, String(Reflect.getMetadata('path', value))]
        .join('/')
        .split('/')
        .filter((part) => part !== '');
      const method = RequestMethod[Reflect.getMetadata('method', value) as number]!;
      return {
        method,
        path: `/${path.join('/')}`,
        since: Reflect.getMetadata(SINCE, value) as number | undefined,
        policy: Reflect.getMetadata(POLICY, value) as string | undefined,
        hides: !Reflect.hasMetadata(ELSE, value) && !Reflect.hasMetadata(BEHIND_POLICY, value),
        description: Reflect.getMetadata(DESCRIPTION, value) as RouteDescription | undefined,
        status:
          (Reflect.getMetadata(HTTP_CODE_METADATA, value) as number | undefined) ??
          (method === 'POST' ? 201 : 200),
      };
    });
  });
}

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
  /** Older requests get 404, not an answer for another method or a refusal of the policy. */
  hides: boolean;
  /** HTTP status of a successful answer. */
  status: number;
}

/** The routes as the decorators of controllers declare them, in order, for tests and the reference. */
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

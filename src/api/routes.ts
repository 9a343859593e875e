import { RequestMethod, type Type } from '@nestjs/common';
import { POLICY } from './auth/policy.js';
import { SINCE } from './microversion/since.js';

export interface DeclaredRoute {
  method: string;
  path: string;
  since: number | undefined;
  policy: string | undefined;
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
      return {
        method: RequestMethod[Reflect.getMetadata('method', value) as number]!,
        path: `/${path.join('/')}`,
        since: Reflect.getMetadata(SINCE, value) as number | undefined,
        policy: Reflect.getMetadata(POLICY, value) as string | undefined,
      };
    });
  });
}

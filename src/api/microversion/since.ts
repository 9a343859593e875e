import { applyDecorators, SetMetadata } from '@nestjs/common';

export const SINCE = 'ferric:since';

/** First microversion of a route, as the N of 1.N: older requests get 404. */
export const Since = (minor: number): MethodDecorator => SetMetadata(SINCE, minor);

export const ELSE = 'ferric:else';

/** The same, but older requests get this status, as in Ironic for some paths that another route served before. */
export const SinceElse = (minor: number, status: 405 | 406): MethodDecorator =>
  applyDecorators(Since(minor), SetMetadata(ELSE, status));

export const BEHIND_POLICY = 'ferric:behind-policy';

/**
 * The same, but the policy is checked before the version: where Ironic's own route checks the version in its body,
 * behind the policy, and not in a decorator or router.
 */
export const SinceBehindPolicy = (minor: number, ...otherwise: [status?: 406]): MethodDecorator =>
  applyDecorators(
    otherwise[0] === undefined ? Since(minor) : SinceElse(minor, otherwise[0]),
    SetMetadata(BEHIND_POLICY, true),
  );

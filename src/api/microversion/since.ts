import { applyDecorators, SetMetadata } from '@nestjs/common';

export const SINCE = 'ferric:since';

/** First microversion of a route, as the N of 1.N: older requests find nothing there. */
export const Since = (minor: number): MethodDecorator => SetMetadata(SINCE, minor);

export const ELSE = 'ferric:else';

/** The same, but older requests are answered so, as Ironic does for some routes that another one swallowed before. */
export const SinceElse = (minor: number, status: 405 | 406): MethodDecorator =>
  applyDecorators(Since(minor), SetMetadata(ELSE, status));

export const BEHIND_POLICY = 'ferric:behind-policy';

/**
 * The same, but whether the request may do it at all is looked at first: where Ironic's own route asks for the version in
 * its body, behind the policy, and no decorator or router of it does so before.
 */
export const SinceBehindPolicy = (minor: number, ...otherwise: [status?: 406]): MethodDecorator =>
  applyDecorators(
    otherwise[0] === undefined ? Since(minor) : SinceElse(minor, otherwise[0]),
    SetMetadata(BEHIND_POLICY, true),
  );

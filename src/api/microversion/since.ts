import { applyDecorators, SetMetadata } from '@nestjs/common';

export const SINCE = 'ferric:since';

/** First microversion of a route, as the N of 1.N: older requests find nothing there. */
export const Since = (minor: number): MethodDecorator => SetMetadata(SINCE, minor);

export const ELSE_405 = 'ferric:else-405';

/** The same, but older requests are told that the method is not allowed, as Ironic does for some writes. */
export const SinceElse405 = (minor: number): MethodDecorator =>
  applyDecorators(Since(minor), SetMetadata(ELSE_405, true));

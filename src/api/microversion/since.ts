import { SetMetadata } from '@nestjs/common';

export const SINCE = 'ferric:since';

/** First microversion of a route, as the N of 1.N: older requests find nothing there. */
export const Since = (minor: number): MethodDecorator => SetMetadata(SINCE, minor);

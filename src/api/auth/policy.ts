import { SetMetadata } from '@nestjs/common';
import type { RuleName } from './policy-table.js';

export const POLICY = 'ferric:policy';

/** The rule that decides who may call a route: a row of the table, or `public` where no login is needed. */
export const Policy = (name: RuleName | 'public'): MethodDecorator => SetMetadata(POLICY, name);

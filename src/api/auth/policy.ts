import { SetMetadata } from '@nestjs/common';
import type { RuleName } from './policy-table.js';

export const POLICY = 'ferric:policy';

/** Names the rule that decides who may call a route: one of the table, `public` where no login is needed. */
export const Policy = (name: RuleName | 'public'): MethodDecorator => SetMetadata(POLICY, name);

import type { Node } from '../../../persistence/node/node.entity.js';
import type { RuleName } from '../../auth/policy-table.js';
import type { Scope } from '../../auth/scope.js';
import type { Instead } from '../../resource/text-view.js';

const content = (text: string) => ({ content: text });
/** Fields that reveal the infrastructure, with their replacements. Source: _node_sanitize_extended of node.py. */
const GUARDED = new Map<string, { rule: RuleName; instead: unknown }>([
  [
    'last_error',
    {
      rule: 'baremetal:node:get:last_error',
      instead: '** Value Redacted - Requires baremetal:node:get:last_error permission. **',
    },
  ],
  [
    'reservation',
    {
      rule: 'baremetal:node:get:reservation',
      instead: '** Redacted - requires baremetal:node:get:reservation permission. **',
    },
  ],
  [
    'driver_internal_info',
    {
      rule: 'baremetal:node:get:driver_internal_info',
      instead: content('** Redacted - Requires baremetal:node:get:driver_internal_info permission. **'),
    },
  ],
  [
    'driver_info',
    {
      rule: 'baremetal:node:get:driver_info',
      instead: content('** Redacted - requires baremetal:node:get:driver_info permission. **'),
    },
  ],
]);

export const GUARDED_FIELDS: ReadonlySet<string> = new Set(GUARDED.keys());

/** @returns the replacement of fields that this request must not see; null when it may see all */
export function redactionFor(scope: Scope): Instead<Node> | null {
  if (scope.allows('baremetal:node:get:filter_threshold')) return null;
  return (field, row) => {
    const guard = GUARDED.get(field);
    return guard && !scope.allows(guard.rule, row) ? guard.instead : undefined;
  };
}

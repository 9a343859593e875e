import type { Node } from '../../../node/node.entity.js';
import type { RuleName } from '../../auth/policy-table.js';
import type { Scope } from '../../auth/scope.js';

const content = (text: string) => ({ content: text });
/** Fields that tell of the infrastructure, and what stands in their place. Source: _node_sanitize_extended of node.py. */
const GUARDED: readonly (readonly [string, RuleName, unknown])[] = [
  [
    'last_error',
    'baremetal:node:get:last_error',
    '** Value Redacted - Requires baremetal:node:get:last_error permission. **',
  ],
  [
    'reservation',
    'baremetal:node:get:reservation',
    '** Redacted - requires baremetal:node:get:reservation permission. **',
  ],
  [
    'driver_internal_info',
    'baremetal:node:get:driver_internal_info',
    content('** Redacted - Requires baremetal:node:get:driver_internal_info permission. **'),
  ],
  [
    'driver_info',
    'baremetal:node:get:driver_info',
    content('** Redacted - requires baremetal:node:get:driver_info permission. **'),
  ],
];

/** @returns what takes from a shown node the fields that this request must not see */
export function redactorFor(scope: Scope): (shown: Record<string, unknown>, row: Node) => void {
  if (scope.allows('baremetal:node:get:filter_threshold')) return () => undefined;
  return (shown, row) => {
    for (const [field, rule, instead] of GUARDED) {
      if (field in shown && !scope.allows(rule, row)) shown[field] = instead;
    }
  };
}

import { InvalidError } from '../errors.js';
import type { RuleBody } from './rule.js';
import { ACTIONS, type ActionName, argumentFault, CONDITIONS, parseOperator } from './signature.js';

const PHASES = ['main'];
const MOST_PRIORITY = 9999;

/**
 * Checks what a schema cannot (Ironic: common/inspection_rules/validation.py). The operators must exist.
 * @throws InvalidError naming every fault
 */
export function validateRule(rule: RuleBody & { phase: string | null; priority: number }): void {
  const faults: string[] = [];
  const { phase, priority } = rule;
  if (phase !== null && !PHASES.includes(phase)) {
    faults.push(`Invalid phase: ${phase}. Valid phases are: ${PHASES.join(', ')}`);
  }
  if (priority > MOST_PRIORITY) {
    faults.push(`Priority must be between 0 and ${MOST_PRIORITY} for user-defined rules.`);
  }
  for (const { op, args } of rule.conditions) {
    const { name } = parseOperator(op);
    const fault = argumentFault(CONDITIONS[name], args);
    if (fault) faults.push(`Invalid parameters for condition operator ${name}: ${fault}`);
  }
  for (const { op, args } of rule.actions) {
    const fault = argumentFault(ACTIONS[op as ActionName], args);
    if (fault) faults.push(`Invalid parameters for action operator ${op}: ${fault}`);
  }
  if (faults.length === 0) return;
  throw new InvalidError(
    faults.length === 1 ? faults[0]! : `Multiple validation errors occurred: ${faults.join('; ')}`,
  );
}

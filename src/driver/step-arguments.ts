import { isObject } from '../domain/json.js';

/** A step as a user names it. */
interface NamedStep {
  readonly interface: string;
  readonly step: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** A step as upstream prints it in messages: a Python dictionary. */
export function stepText({ interface: owner, step }: Pick<NamedStep, 'interface' | 'step'>): string {
  return `{'interface': '${owner}', 'step': '${step}'}`;
}

/**
 * Faults of the arguments of a requested step, in Ironic's words: an argument that the step does not have; a required
 * one that is missing, unless the step is disabled. Source: ironic/conductor/steps.py, `_validate_user_step`.
 * @param known by name what each argument is: `description` and `required`, as declared by us or reported by the agent
 */
export function argumentFaults(
  kind: 'clean' | 'service' | 'deploy',
  step: NamedStep,
  known: Readonly<Record<string, unknown>>,
  { disabled = false } = {},
): string[] {
  const given = step.args ?? {};
  const unexpected = Object.keys(given).filter((name) => !Object.hasOwn(known, name));
  const missing = Object.entries(known)
    .filter(([name, about]) => isObject(about) && about['required'] === true && !Object.hasOwn(given, name))
    .map(([name, about]) => {
      const text = isObject(about) ? about['description'] : undefined;
      return typeof text === 'string' && text !== '' ? `${name} (${text})` : name;
    });
  const faults: string[] = [];
  if (unexpected.length > 0) faults.push(`has these unexpected arguments: ${unexpected.join(', ')}`);
  if (missing.length > 0 && !disabled)
    faults.push(`is missing these required arguments: ${missing.join(', ')}`);
  return faults.map((fault) => `${kind} step ${stepText(step)} ${fault}`);
}

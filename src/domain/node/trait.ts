import { InvalidError } from '../errors.js';
import type { Json } from '../json.js';
import { STANDARD_TRAITS } from './standard-traits.js';

/** Ironic: db/sqlalchemy/api.py, MAX_TRAITS_PER_NODE. */
const MOST = 50;

/** Whether a text is a standard trait or a valid custom one. */
export function isTrait(text: string): boolean {
  return text.length <= 255 && (/^CUSTOM_[A-Z0-9_]+$/.test(text) || STANDARD_TRAITS.has(text));
}

/**
 * The new traits of a node: without duplicates, sorted.
 * @throws InvalidError for more than a node may have
 */
export function settleTraits(node: string, traits: readonly string[]): string[] {
  const settled = [...new Set(traits)].toSorted();
  if (settled.length > MOST) {
    throw new InvalidError(
      `Could not modify traits for node ${node} as it would exceed the maximum number of traits per node ` +
        `(${settled.length} vs. ${MOST})`,
    );
  }
  return settled;
}

/**
 * The instance's traits must be among the node's (Ironic: conductor/utils.py, validate_instance_info_traits).
 * @param wanted `traits` of instance_info
 * @throws InvalidError
 */
export function refuseForeignTraits(node: string, traits: readonly string[], wanted: Json | undefined): void {
  if (!wanted) return;
  if (!Array.isArray(wanted) || wanted.some((trait) => typeof trait !== 'string')) {
    throw new InvalidError(
      `Error parsing traits from Node ${node} instance_info field. A list of strings is expected.`,
    );
  }
  const missing = (wanted as string[]).filter((trait) => !traits.includes(trait));
  if (missing.length > 0) {
    throw new InvalidError(
      `Cannot specify instance traits that are not also set on the node. Node ${node} is missing traits ` +
        [...new Set(missing)].join(', '),
    );
  }
}

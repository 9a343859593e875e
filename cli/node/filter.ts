import { CONDITIONS, conditionOf, isProvisionState } from '../../src/domain/provision/machine.js';
import type { NodeRow } from '../api/node-api.js';
import { UsageError } from '../usage-error.js';

/** Words before the colon, with the field of the node that they mean. */
const KEYS = {
  power: 'power_state',
  class: 'resource_class',
  driver: 'driver',
  owner: 'owner',
  lessee: 'lessee',
  group: 'conductor_group',
  conductor: 'conductor',
  shard: 'shard',
  fault: 'fault',
  instance: 'instance_uuid',
  name: 'name',
  uuid: 'uuid',
} as const;

export const FILTER_HELP = `A filter is words that all have to fit: KEY:VALUE[,VALUE], !KEY:VALUE for the contrary, or a text that name, UUID or
description has in it. Keys: state, ${Object.keys(KEYS).join(', ')}, maintenance (yes, no), trait. state takes states,
quoted where they have blanks, and sets of them: ${CONDITIONS.join(', ')}. An empty value (fault:) is one that is not set.
Example: ferric node list --filter 'state:failed class:gold !owner:team-a'`;

type Fits = (node: NodeRow) => boolean;

/** @throws UsageError naming the word that is none */
export function readFilter(text: string): Fits {
  const tests = wordsOf(text).map(testOf);
  return (node) => tests.every((fits) => fits(node));
}

/** Words are apart by blanks; quotes keep them together. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  if ((text.match(/"/g)?.length ?? 0) % 2 === 1)
    throw new UsageError(`the filter has a quote without its end: ${text}`);
  return words.map((word) => word.replaceAll('"', ''));
}

function testOf(word: string): Fits {
  if (word.startsWith('!')) {
    const fits = testOf(word.slice(1));
    return (node) => !fits(node);
  }
  const colon = word.indexOf(':');
  if (colon < 0) return hasText(word);
  const [key, values] = [word.slice(0, colon), word.slice(colon + 1).split(',')];
  if (key === 'state') return hasState(values);
  if (key === 'maintenance') return hasFlag(values, ({ maintenance }) => maintenance === true);
  if (key === 'trait')
    return ({ traits }) => Array.isArray(traits) && values.some((one) => traits.includes(one));
  if (!Object.hasOwn(KEYS, key))
    throw new UsageError(
      `the filter has no key ${key}; it has state, ${Object.keys(KEYS).join(', ')}, maintenance, trait`,
    );
  const field = KEYS[key as keyof typeof KEYS];
  return (node) => values.includes(String(node[field] ?? ''));
}

function hasText(text: string): Fits {
  const wanted = text.toLowerCase();
  return ({ name, uuid, description }) =>
    [name, uuid, description].some((field) =>
      String(field ?? '')
        .toLowerCase()
        .includes(wanted),
    );
}

function hasState(values: readonly string[]): Fits {
  for (const value of values) {
    if (!isProvisionState(value) && !(CONDITIONS as readonly string[]).includes(value))
      throw new UsageError(
        `the filter names a state that there is not: ${value}; sets are ${CONDITIONS.join(', ')}`,
      );
  }
  return ({ provision_state: state }) =>
    values.includes(state) || (isProvisionState(state) && values.includes(conditionOf(state)));
}

function hasFlag(values: readonly string[], is: Fits): Fits {
  const [value] = values;
  if (values.length !== 1 || (value !== 'yes' && value !== 'no'))
    throw new UsageError(`the filter takes yes or no for a flag, not ${values.join(',')}`);
  return (node) => is(node) === (value === 'yes');
}

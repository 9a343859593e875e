import { InvalidError } from '../errors.js';
import { isProvisionState, isProvisionVerb, wayTo } from './machine.js';
import { type ProvisionVerb, VERBS } from './table.js';

interface Asked {
  readonly uuid: string;
  readonly provision_state: string;
}

/** Refuses a verb that is illegal in the node's state: Ironic's message, and the way to a state where it is legal. */
export function illegalVerb(
  { uuid, provision_state: state }: Asked,
  verb: string,
  shown = verb,
): InvalidError {
  const words = `The requested action "${shown}" can not be performed on node "${uuid}" while it is in state "${state}".`;
  const way = isProvisionState(state) && isProvisionVerb(verb) ? wayTo(state, verb) : null;
  return new InvalidError(way?.length ? `${words} ${advice(way)}` : words);
}

function advice(way: readonly ProvisionVerb[]): string {
  return `Ask for ${way.map((verb) => `"${verb}"`).join(', then ')} first.`;
}

/**
 * The refusal of a verb for a node in maintenance, by the verbs' table; null where it is allowed. Ironic checks this in
 * each method (conductor/manager.py), and for a deployment already in its API.
 */
export function refusalInMaintenance(uuid: string, verb: ProvisionVerb): InvalidError | null {
  const refused = VERBS[verb].refusedInMaintenance;
  if (refused === null) return null;
  return new InvalidError(
    `The ${refused} operation can't be performed on node ${uuid} because it's in maintenance mode.`,
  );
}

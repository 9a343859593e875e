import { ConflictError, type FerricError, ForbiddenError, InvalidError, LockedError } from '../errors.js';
import { isProvisionState, isProvisionVerb, nextByVerb, wayTo } from './machine.js';
import { type ProvisionVerb, type Transition, VERBS } from './table.js';

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

/** For a deployment Ironic checks maintenance before the state (api/controllers/v1/node.py, provision). */
export function refusalBeforeState(
  node: { readonly uuid: string; readonly maintenance: boolean },
  verb: ProvisionVerb,
): InvalidError | null {
  const early = node.maintenance && (verb === 'active' || verb === 'rebuild');
  return early ? refusalInMaintenance(node.uuid, verb) : null;
}

/**
 * The move that a verb makes from the node's state; else why not.
 * @param holder the conductor that holds the node: the state may be about to change
 * @param shown the verb as the message names it
 */
export function moveOrRefusal(
  node: Asked,
  verb: ProvisionVerb,
  holder: string | null,
  shown: string = verb,
): Transition | InvalidError | LockedError {
  const state = node.provision_state;
  const move = isProvisionState(state) ? nextByVerb(state, verb) : null;
  if (move) return move;
  return holder === null ? illegalVerb(node, verb, shown) : new LockedError(node.uuid, holder);
}

/** What of a node's row decides about verbs, besides its state. */
export interface VerbFlags {
  readonly uuid: string;
  readonly maintenance: boolean;
  readonly protected: boolean;
  readonly retired: boolean;
}

/** The refusal of a verb that is legal in the node's state, by the node's flags; null where they allow it. */
export function refusalByFlags(node: VerbFlags, verb: ProvisionVerb, move: Transition): FerricError | null {
  const { uuid } = node;
  if (node.maintenance && move.notInMaintenance) {
    return new ConflictError(
      `Can not ${verb} service on node "${uuid}" while it is in maintenance mode. Please remove the node from ` +
        `maintenance prior to issuing the request to ${verb} the service operation.`,
    );
  }
  const inMaintenance = node.maintenance ? refusalInMaintenance(uuid, verb) : null;
  if (inMaintenance) return inMaintenance;
  const { event } = VERBS[verb];
  if (node.protected && (event === 'rebuild' || event === 'delete'))
    return new ForbiddenError(`Node ${uuid} is protected and cannot be undeployed, rebuilt or deleted`);
  if (node.retired && event === 'provide')
    return new InvalidError(
      `The providing operation can't be performed on node ${uuid} because it is retired.`,
    );
  return null;
}

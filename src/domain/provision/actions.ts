import { isProvisionState, wayTo } from './machine.js';
import { moveOrRefusal, refusalBeforeState, refusalByFlags, type VerbFlags } from './refusal.js';
import { type ProvisionState, type ProvisionVerb, VERBS } from './table.js';

/** A verb of `PUT states/provision` for one node, as it is now. */
export interface Action {
  readonly verb: ProvisionVerb;
  readonly allowed: boolean;
  /** The refusal that a request would be given; null where it is allowed. */
  readonly reason: string | null;
  /** The state that follows an accepted request; null where it is not allowed. */
  readonly leads_to: ProvisionState | null;
  /** Verbs after which it would be legal, in order; empty: no state or no short way leads there. */
  readonly first: readonly ProvisionVerb[];
}

export interface ActingNode extends VerbFlags {
  readonly provision_state: string;
  /** Host name of the conductor that holds it; null: nobody holds it. */
  readonly reserved_by: string | null;
}

/**
 * Every verb of the table, with the reason where it is refused: by the node's state and its flags. A request may still
 * be refused for its arguments, by a validation, by the limits of concurrent work, by a reservation that does not end in
 * time, and, for an abort, by an API version that does not abort in this state.
 * @param isKnown whether the requester's API version has the verb
 */
export function actionsOf(node: ActingNode, isKnown: (since: number) => boolean): Action[] {
  return (Object.keys(VERBS) as ProvisionVerb[])
    .filter((verb) => isKnown(VERBS[verb].since))
    .map((verb) => actionOf(node, verb));
}

function actionOf(node: ActingNode, verb: ProvisionVerb): Action {
  const state = node.provision_state;
  const move = moveOrRefusal(node, verb, node.reserved_by);
  if (move instanceof Error) {
    const first = isProvisionState(state) ? (wayTo(state, verb) ?? []) : [];
    return refused(verb, refusalBeforeState(node, verb) ?? move, first);
  }
  const refusal = refusalByFlags(node, verb, move);
  if (refusal) return refused(verb, refusal, []);
  return { verb, allowed: true, reason: null, leads_to: move.to, first: [] };
}

function refused(verb: ProvisionVerb, { message }: Error, first: readonly ProvisionVerb[]): Action {
  return { verb, allowed: false, reason: message, leads_to: null, first };
}

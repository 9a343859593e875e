import {
  type ProvisionEvent,
  type ProvisionState,
  type ProvisionVerb,
  STATES,
  type StateFacts,
  TRANSITIONS,
  type Transition,
  VERBS,
} from './table.js';

const BY_STATE = Map.groupBy<ProvisionState, Transition>(TRANSITIONS, (row) => row.from);

export function isProvisionState(value: string): value is ProvisionState {
  return Object.hasOwn(STATES, value);
}

export function isProvisionVerb(value: string): value is ProvisionVerb {
  return Object.hasOwn(VERBS, value);
}

export function factsOf(state: ProvisionState): StateFacts {
  return STATES[state];
}

/**
 * What a node in this state does, for people: a conductor works on it, it waits for the machine, it waits for an
 * operator's `unhold`, it failed, or it is idle.
 */
export const CONDITIONS = ['working', 'waiting', 'held', 'failed', 'idle'] as const;
export type Condition = (typeof CONDITIONS)[number];

export function conditionOf(state: ProvisionState): Condition {
  const { onConductorLoss, wait, stable } = factsOf(state);
  if (onConductorLoss !== undefined) return 'working';
  if (wait) return 'waiting';
  if (nextByVerb(state, 'unhold') !== null) return 'held';
  return stable && state !== 'error' ? 'idle' : 'failed';
}

/** Facts of the table of states whose value is a place in a list. */
type PlacedFact = {
  [Name in keyof StateFacts]-?: StateFacts[Name] extends number | undefined ? Name : never;
}[keyof StateFacts];

/** The facts of a row's state; a state that this version does not know has none. */
export function factsOfRow({ provision_state: state }: { readonly provision_state: string }): StateFacts {
  return isProvisionState(state) ? STATES[state] : {};
}

/** The states that have a fact, in the order of the table. */
export function statesWith(fact: keyof StateFacts): ProvisionState[] {
  return (Object.keys(STATES) as ProvisionState[]).filter((state) => factsOf(state)[fact] !== undefined);
}

/** The states that have a fact, in the order in which messages list them. */
export function listedStates(fact: PlacedFact): ProvisionState[] {
  const place = (state: ProvisionState) => factsOf(state)[fact] ?? 0;
  return statesWith(fact).toSorted((a, b) => place(a) - place(b));
}

/** The transition of `event` from `state`, or null when it is illegal there. */
export function next(state: ProvisionState, event: ProvisionEvent): Transition | null {
  return BY_STATE.get(state)?.find((row) => row.on === event) ?? null;
}

/** Like `next`, for an operator's verb: events that only the conductor fires are illegal too. */
export function nextByVerb(state: ProvisionState, verb: ProvisionVerb): Transition | null {
  const row = next(state, VERBS[verb].event);
  return row?.api ? row : null;
}

/** `target_provision_state` after a transition; null once stable. `current` is kept by waits and failures. */
export function targetAfter(row: Transition, current: string | null): ProvisionState | null {
  const to = factsOf(row.to);
  if (to.stable) return null;
  if (row.target) return row.target;
  // An unhold or an abort concerns the work under way: a manual cleaning keeps its target.
  const goesOn = row.on === 'unhold' || row.on === 'abort';
  const begins = (row.api === true && !goesOn) || row.on === 'clean';
  const kept = begins || !current || !isProvisionState(current) ? to.target : current;
  return (kept as ProvisionState | undefined) ?? null;
}

export function verbsFrom(state: ProvisionState): ProvisionVerb[] {
  return (Object.keys(VERBS) as ProvisionVerb[]).filter((verb) => nextByVerb(state, verb));
}

/** Verbs that are suggested on the way to another: none of them removes an instance. `provide` cleans. */
const ADVISED: readonly ProvisionVerb[] = ['manage', 'provide', 'abort'];
/** A longer way is not worth suggesting. */
const LONGEST_WAY = 3;

/**
 * The shortest way from a state to one where `verb` is legal, as verbs in order; null: there is none, or the verb would
 * only lead back to the state.
 */
export function wayTo(state: ProvisionState, verb: ProvisionVerb): ProvisionVerb[] | null {
  if (nextByVerb(state, verb)) return [];
  let ways: { at: ProvisionState; verbs: ProvisionVerb[] }[] = [{ at: state, verbs: [] }];
  for (let length = 0; length <= LONGEST_WAY; length++) {
    for (const { at, verbs } of ways) {
      const row = nextByVerb(at, verb);
      if (row) return endOf(row) === state ? null : verbs;
    }
    ways = ways.flatMap(({ at, verbs }) =>
      ADVISED.flatMap((next) => {
        const row = nextByVerb(at, next);
        return row ? [{ at: endOf(row), verbs: [...verbs, next] }] : [];
      }),
    );
  }
  return null;
}

/** The state after the work of a transition: its target where a conductor works on it, else the state itself. */
function endOf(row: Transition): ProvisionState {
  return (factsOf(row.to).onConductorLoss ? targetAfter(row, null) : null) ?? row.to;
}

import { verbsFrom } from '../../src/domain/provision/machine.js';
import {
  type ProvisionState,
  type ProvisionVerb,
  STATES,
  type StateFacts,
  TRANSITIONS,
  type Transition,
  VERBS,
} from '../../src/domain/provision/table.js';
import { GENERATED, type Page, table } from './page.js';

/** Verbs that the machine knows and this release refuses. */
export const NOT_BUILT: readonly ProvisionVerb[] = [
  'inspect',
  'adopt',
  'rescue',
  'unrescue',
  'unhold',
  'service',
];
/** Conductor's events that no built operation fires. */
const NOT_FIRED = ['hold'];

/** docs/reference/provision-states.md */
export const provisionStates: Page = {
  path: 'docs/reference/provision-states.md',
  render: () => `# Provision states

${GENERATED}

The machine is one table, \`src/domain/provision/table.ts\`; nothing else lists states or transitions. It is Ironic's
machine, whole. This release refuses the verbs ${NOT_BUILT.map((verb) => `\`${verb}\``).join(', ')} with a clear error,
so the states behind them are not reached yet.

## What this release does

A verb of the operator is written in capitals; the other arrows are the conductor's, the agent's and the timers'.

${diagram(builtTransitions())}

## All states

${table(
  ['State', 'Kind', 'Verbs', 'On the way to', 'Ramdisk may look itself up', 'Record may be deleted'],
  (Object.keys(STATES) as ProvisionState[]).map(stateRow),
)}

## Verbs

\`PUT /v1/nodes/{node}/states/provision\` takes them as \`target\`.

${table(
  ['Verb', 'Event', 'Since API version', 'This release'],
  (Object.keys(VERBS) as ProvisionVerb[]).map((verb) => [
    `\`${verb}\``,
    VERBS[verb].event,
    `1.${VERBS[verb].since}`,
    NOT_BUILT.includes(verb) ? 'refuses' : 'does',
  ]),
)}

## All transitions

${table(
  ['From', 'On', 'To', 'Who'],
  TRANSITIONS.map((row: Transition) => [row.from, row.on, row.to, row.api ? 'operator' : 'conductor']),
)}
`,
};

function stateRow(state: ProvisionState): string[] {
  const facts: StateFacts = STATES[state];
  const kind = facts.stable ? 'rests' : facts.wait ? 'waits' : facts.onConductorLoss ? 'works' : 'stopped';
  const lookup = facts.ramdiskLookup ? 'yes' : facts.fastTrackLookup ? 'with fast track' : '';
  const verbs = verbsFrom(state).map((verb) => `\`${verb}\``);
  return [state, kind, verbs.join(' '), facts.target ?? '', lookup, facts.deletable ? 'yes' : ''];
}

/** What can happen from `enroll` on with the verbs that are built. */
export function builtTransitions(): Transition[] {
  const refused = new Set<string>(NOT_BUILT.map((verb) => VERBS[verb].event));
  const rows = TRANSITIONS.filter((row: Transition) =>
    row.api ? !refused.has(row.on) : !NOT_FIRED.includes(row.on),
  );
  const reached = new Set<ProvisionState>(['enroll']);
  for (let before = 0; before !== reached.size; ) {
    before = reached.size;
    for (const row of rows) if (reached.has(row.from)) reached.add(row.to);
  }
  return rows.filter((row) => reached.has(row.from));
}

function diagram(rows: readonly Transition[]): string {
  const id = (state: string) => state.replaceAll(/[^a-z]/g, '_');
  const states = new Set(rows.flatMap((row) => [row.from, row.to]));
  const names = [...states].filter((state) => id(state) !== state);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...names.map((state) => `  state "${state}" as ${id(state)}`),
    '  [*] --> enroll',
    ...rows.map((row) => `  ${id(row.from)} --> ${id(row.to)}: ${row.api ? row.on.toUpperCase() : row.on}`),
    '```',
  ].join('\n');
}

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

/** docs/reference/provision-states.md */
export const provisionStates: Page = {
  path: 'docs/reference/provision-states.md',
  render: () => `# Provision states

${GENERATED}

The machine is one table, \`src/domain/provision/table.ts\`; nothing else lists states or transitions. It is Ironic's
machine, whole: its ${Object.keys(STATES).length} states, and the ${Object.keys(VERBS).length} verbs below. A verb without its work does not
compile (\`src/conductor/service/verb-acceptance.ts\`), so each of them is built.

## From one state to the next

A verb of the operator is written in capitals; the other arrows are the conductor's, the agent's and the timers'.

${diagram(TRANSITIONS)}

## All states

${table(
  ['State', 'Kind', 'Verbs', 'On the way to', 'Ramdisk may look itself up', 'Record may be deleted'],
  (Object.keys(STATES) as ProvisionState[]).map(stateRow),
)}

## Verbs

\`PUT /v1/nodes/{node}/states/provision\` takes them as \`target\`.

${table(
  ['Verb', 'Event', 'Since API version', 'In maintenance'],
  (Object.keys(VERBS) as ProvisionVerb[]).map((verb) => [
    `\`${verb}\``,
    VERBS[verb].event,
    `1.${VERBS[verb].since}`,
    VERBS[verb].refusedInMaintenance === null ? 'done' : 'refused',
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

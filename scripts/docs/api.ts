import { AGENT_CONTROLLERS } from '../../src/api/agent-api.js';
import { MAX_VERSION, MIN_VERSION } from '../../src/api/microversion/microversion.js';
import { OPERATOR_CONTROLLERS } from '../../src/api/operator-api.js';
import type { ParameterTable } from '../../src/api/request/query.js';
import { type DeclaredRoute, declaredRoutes } from '../../src/api/routes.js';
import { CHASSIS_FIELDS } from '../../src/api/v1/chassis/fields.js';
import { CONDUCTOR_LIST } from '../../src/api/v1/conductor/conductor.controller.js';
import { CONDUCTOR_FIELDS } from '../../src/api/v1/conductor/fields.js';
import { DRIVER_LIST } from '../../src/api/v1/driver/driver.controller.js';
import { DRIVER_FIELDS } from '../../src/api/v1/driver/fields.js';
import { STREAM } from '../../src/api/v1/event/event-stream.controller.js';
import { NODE_FIELDS } from '../../src/api/v1/node/fields.js';
import { NODE_LIST } from '../../src/api/v1/node/filters.js';
import { HISTORY_LIST } from '../../src/api/v1/node/history.controller.js';
import { HISTORY_FIELDS } from '../../src/api/v1/node/history-fields.js';
import { PORT_FIELDS } from '../../src/api/v1/port/fields.js';
import { PORT_LIST } from '../../src/api/v1/port/port-list.js';
import { PORTGROUP_FIELDS } from '../../src/api/v1/portgroup/fields.js';
import { PORTGROUP_LIST } from '../../src/api/v1/portgroup/portgroup-list.js';
import { LOOKUP } from '../../src/api/v1/ramdisk/ramdisk.controller.js';
import { GENERATED, type Page, table } from './page.js';

interface FieldRow {
  readonly name: string;
  readonly since: number;
  readonly brief?: true;
  readonly sort?: true;
  readonly write?: { readonly create: boolean; readonly patch: boolean; readonly required?: true };
}

/** docs/reference/api.md */
export const api: Page = {
  path: 'docs/reference/api.md',
  render: () => `# API

${GENERATED}

Ferric speaks the OpenStack Bare Metal API, microversions ${MIN_VERSION} to ${MAX_VERSION}. A request names one in the header
\`OpenStack-API-Version: baremetal 1.N\` or \`X-OpenStack-Ironic-API-Version: 1.N\`; without it the version is
${MIN_VERSION}. What came later than the version asked for is not there: routes are answered 404, parameters and fields
406. Resources of Ironic that are not listed here are not built yet and are answered 404.

## Routes for operators and clients

On \`api.listen\`. The routes of ramdisks are answered 403 here.

${routes(declaredRoutes(OPERATOR_CONTROLLERS).filter((route) => !isRamdisk(route)))}

## Routes for ramdisks

On \`agent.listen\`, and nothing else is served there.

${routes(declaredRoutes(AGENT_CONTROLLERS))}

## Node

${fields(NODE_FIELDS)}

Parameters of the listing:

${parameters(NODE_LIST)}

## Entry of a node's history

${fields(HISTORY_FIELDS)}

Parameters of the listing:

${parameters(HISTORY_LIST)}

## Port

${fields(PORT_FIELDS)}

Parameters of the listing:

${parameters(PORT_LIST)}

## Port group

${fields(PORTGROUP_FIELDS)}

Parameters of the listing:

${parameters(PORTGROUP_LIST)}

## Chassis

${fields(CHASSIS_FIELDS)}

## Driver

${fields(DRIVER_FIELDS)}

Parameters of the listing:

${parameters(DRIVER_LIST)}

## Conductor

${fields(CONDUCTOR_FIELDS)}

Parameters of the listing:

${parameters(CONDUCTOR_LIST)}

## Event stream

\`GET /v1/events/stream\` is Ferric's own: server-sent events, one for each event of a node's history, as it is committed.
A reader that comes back with \`Last-Event-ID\` goes on where it was. It may see an event twice and misses none.

${parameters(STREAM)}

## Lookup

${parameters(LOOKUP)}
`,
};

function isRamdisk({ path }: DeclaredRoute): boolean {
  return /^\/v1\/(lookup|heartbeat|continue_inspection)/.test(path);
}

function routes(declared: readonly DeclaredRoute[]): string {
  const rows = declared.map(({ method, path, since, policy }) => [
    `\`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}\``,
    `1.${since}`,
    policy === 'public' ? 'no login' : `\`${policy}\``,
  ]);
  return table(['Route', 'Since', 'Policy'], rows);
}

function fields(rows: readonly FieldRow[]): string {
  const mark = (yes: unknown) => (yes ? 'yes' : '');
  return table(
    ['Field', 'Since', 'In listings', 'Sort key', 'At creation', 'By PATCH'],
    rows.map(({ name, since, brief, sort, write }) => [
      `\`${name}\``,
      `1.${since}`,
      mark(brief),
      mark(sort),
      write?.required ? 'required' : mark(write?.create),
      mark(write?.patch),
    ]),
  );
}

function parameters(of: ParameterTable): string {
  const rows = Object.entries(of).map(([name, { since = 1, about = '' }]) => [
    `\`${name}\``,
    `1.${since}`,
    about,
  ]);
  return table(['Parameter', 'Since', 'Meaning'], rows);
}

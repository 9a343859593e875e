import { AGENT_CONTROLLERS } from '../../src/api/agent-api.js';
import { MAX_VERSION, MIN_VERSION } from '../../src/api/microversion/microversion.js';
import type { Resource } from '../../src/api/openapi/describe.js';
import { OPERATOR_CONTROLLERS } from '../../src/api/operator-api.js';
import type { ParameterTable } from '../../src/api/request/query.js';
import { type DeclaredRoute, declaredRoutes } from '../../src/api/routes.js';
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
406. Resources of Ironic that are not listed here are not built yet and are answered 404. The same as an OpenAPI
document, at the version that the request names: \`GET /v1/openapi.json\`, and as a page: \`GET /v1/openapi.html\`.

## Routes for operators and clients

On \`api.listen\`. The routes of ramdisks are answered 403 here.

${routes(declaredRoutes(OPERATOR_CONTROLLERS).filter((route) => !isRamdisk(route) && !isOfImages(route)))}

## Routes of the Image service

On \`api.listen\` too, unless \`image_service.enabled\` is false: Glance's, without microversions. Errors are written as
Glance writes them. [How to use it](../how-to/image-service.md).

${routes(declaredRoutes(OPERATOR_CONTROLLERS).filter(isOfImages), false)}

## Routes for ramdisks

On \`agent.listen\`, and nothing else is served there.

${routes(declaredRoutes(AGENT_CONTROLLERS))}

${resources(declaredRoutes(OPERATOR_CONTROLLERS))}

## Image cache

\`/v1/image_cache\` is Ferric's own, too. A prefetch is written down before it is answered 202, and goes on after a
restart; an image in use, waited for or pinned is not evicted (409). What its fields mean: [images](../how-to/images.md).

## Actions of a node

\`GET /v1/nodes/{node}/actions\` is Ferric's own: every verb of \`states/provision\` that the requested API version has,
whether it is \`allowed\` now, the \`reason\` that a request would be refused with, the state that it \`leads_to\`, and the
verbs that have to come \`first\`. It knows the node's state, maintenance, \`protected\`, \`retired\`, its reservation and the
login; a request may still be refused for its arguments, by a validation or by the limits of concurrent work.

## Attempts of a node

\`GET /v1/nodes/{node}/attempts\` is Ferric's own: what was tried with the node, the newest first. Each attempt is one
operation of the journal: its \`kind\`, who asked for it, its \`outcome\` (\`succeeded\`, \`failed\`, \`aborted\`,
\`superseded\` by a later request; null while it is under way), the \`error\` and its code (\`reason\`), and, while it
waits, what it waits for and until when. \`detail=True\`, and one attempt by its UUID, also have the \`steps\` with their
times: the time line, and \`sightings\`: what was seen of the machine on the network meanwhile, by kind (\`dhcp\` by the program
that asked, \`tftp\` and \`http\` by file, \`lookup\`, \`heartbeat\`), with first and last time, number and bytes, written every
two seconds. Whose client fetched a boot loader, a file of all machines, is known by its lease alone, so not beside another
DHCP server. \`kind=deploy,clean\` selects. Secrets in arguments are \`******\`. The keys
\`conductor.operation_max_entries\` and \`conductor.operation_max_days\` say how many are kept, and how long.

## Why an attempt failed

\`GET /v1/nodes/{node}/why\` is Ferric's own: the cause in a sentence, what was seen of the machine, the step, the error, and
what to do next; of work under way, what it waits for and until when. \`attempt=\` names an earlier one. All causes:
[failure causes](failure-causes.md).

## Summary

\`GET /v1/summary\` is Ferric's own: how many nodes there are, by state or by the columns that \`by\` names, of those that the
filters of a listing leave. A project's login counts its own nodes.

## Event stream

\`GET /v1/events/stream\` is Ferric's own: server-sent events, one for each event of a node's history, as it is committed.
A reader that comes back with \`Last-Event-ID\` goes on where it was. It may see an event twice and misses none.
`,
};

function isRamdisk({ path }: DeclaredRoute): boolean {
  return /^\/v1\/(lookup|heartbeat|continue_inspection)/.test(path);
}

function isOfImages({ path }: DeclaredRoute): boolean {
  return /^\/(v2|versions)(\/|$)/.test(path);
}

/** Each kind of record with its fields, and the parameters of its listing. */
function resources(declared: readonly DeclaredRoute[]): string {
  const kinds = new Map<string, { resource: Resource; query?: ParameterTable }>();
  for (const { description } of declared) {
    const { answer, query } = description ?? {};
    if (!answer || 'schema' in answer || 'text' in answer) continue;
    const isPage = 'page' in answer;
    const resource = isPage ? answer.page : 'one' in answer ? answer.one : answer.part;
    const known = kinds.get(resource.name);
    kinds.set(
      resource.name,
      known?.query || !isPage || !query ? (known ?? { resource }) : { resource, query },
    );
  }
  return [...kinds.values()]
    .map(({ resource, query }) => {
      const listing = query ? `\n\nParameters of the listing:\n\n${parameters(query)}` : '';
      return `## ${resource.name}\n\n${fields(resource.fields)}${listing}`;
    })
    .join('\n\n');
}

function routes(declared: readonly DeclaredRoute[], versioned = true): string {
  const rows = declared.map(({ method, path, since, policy, description }) => [
    `\`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}\``,
    description?.summary ?? '',
    ...(versioned ? [`1.${since}`] : []),
    policy === 'public' ? 'no login' : `\`${policy}\``,
  ]);
  return table(['Route', '', ...(versioned ? ['Since'] : []), 'Policy'], rows);
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

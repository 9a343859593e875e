import { setTimeout as sleep } from 'node:timers/promises';
import type { Preparation } from './machine.js';
import type { Ask, Documented, Newer, Seen } from './row.js';

interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
  text: string;
}

const NEWEST = 115;

async function send(base: string, { method, path, body }: Ask, version: number): Promise<Answer> {
  const answer = await fetch(base + path, {
    method,
    headers: {
      'x-openstack-ironic-api-version': `1.${version}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
  return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : null };
}

/** Makes what the rows ask about. @throws Error when anything is refused or does not come about */
export async function prepare(base: string, steps: readonly Preparation[]): Promise<void> {
  for (const step of steps) {
    if ('until' in step) await settle(base, step.until, step.state);
    else {
      const { status, text } = await send(base, step, NEWEST);
      if (status >= 300) throw new Error(`${step.method} ${step.path}: ${status} ${text}`);
    }
  }
}

async function settle(base: string, node: string, state: string): Promise<void> {
  let text = '';
  for (let poll = 0; poll < 300; poll++) {
    const answer = await send(base, { method: 'GET', path: `/v1/nodes/${node}` }, NEWEST);
    text = answer.text;
    const { provision_state, reservation } = answer.body as Record<string, string | null>;
    if (provision_state === state && reservation === null) return;
    await sleep(50);
  }
  throw new Error(`${node} did not come to ${state}: ${text}`);
}

/** @param agents where ramdisks ask */
export async function faultsOf(row: Newer, base: string, agents: string): Promise<string[]> {
  const at = row.ask.path.startsWith('/v1/continue_inspection') ? agents : base;
  const before = await send(at, row.ask, row.since - 1);
  const from = await send(at, row.ask, row.since);
  return [...compare(row.since - 1, before, row.before), ...compare(row.since, from, row.from)];
}

function compare(version: number, answer: Answer, seen: Seen): string[] {
  const faults: string[] = [];
  const say = (what: string) =>
    faults.push(`1.${version}: ${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
  if (answer.status !== seen.status) {
    say(`expected ${seen.status}`);
    return faults;
  }
  if (seen.has !== undefined && find(answer.body, seen.has) === undefined) say(`misses ${seen.has}`);
  if (seen.lacks !== undefined && find(answer.body, seen.lacks) !== undefined) say(`has ${seen.lacks}`);
  if (seen.header !== undefined && !answer.headers.has(seen.header)) say(`misses the header ${seen.header}`);
  if (seen.noHeader !== undefined && answer.headers.has(seen.noHeader))
    say(`has the header ${seen.noHeader}`);
  return faults;
}

/** `a[0].b` or `a["b/c"]` in a JSON value; undefined where it is not. */
function find(value: unknown, path: string): unknown {
  const parts = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, key, at, word]) => key ?? at ?? word,
  );
  return parts.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part!] : undefined,
    value,
  );
}

interface OpenApi {
  paths: Record<string, Record<string, { parameters: { name: string; in: string }[] }>>;
  components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
}

/** Whether the OpenAPI document of a version has it. */
export async function isDocumented(base: string, what: Documented, version: number): Promise<boolean> {
  const { body } = await send(base, { method: 'GET', path: '/v1/openapi.json' }, version);
  const { paths, components } = body as OpenApi;
  if ('schema' in what) return components.schemas[what.schema]?.properties?.[what.field] !== undefined;
  const operation = paths[what.path]?.[what.method];
  if (what.query === undefined) return operation !== undefined;
  return (
    operation?.parameters.some(({ name, in: place }) => place === 'query' && name === what.query) ?? false
  );
}

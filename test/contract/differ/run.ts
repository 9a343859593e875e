import { setTimeout as sleep } from 'node:timers/promises';
import { compare, type Difference } from './compare.js';
import { normalise } from './normalise.js';
import { type Exchange, NEWEST, type Scenario, type Settled, type Version } from './scenario.js';

export interface Finding extends Difference {
  /** Of the request, as sent. */
  body: string;
  scenario: string;
  /** Method and path as the scenario has them. */
  request: string;
  version: Version;
}

export interface Run {
  exchanges: number;
  findings: Finding[];
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** One of the two servers, while a scenario runs on it. */
class Side {
  readonly #kept = new Map<string, string>();

  constructor(readonly base: string) {}

  async ask(exchange: Exchange, version: Version): Promise<Answer> {
    const answer = await send(this.base, { ...exchange, path: this.#filled(exchange.path) }, version);
    for (const [name, at] of Object.entries(exchange.save ?? {})) {
      this.#kept.set(name, String(pick(JSON.parse(answer.text), at)));
    }
    return answer;
  }

  async settle({ settled, state }: Settled): Promise<void> {
    const path = `/v1/nodes/${this.#filled(settled)}?fields=provision_state,target_power_state,reservation,last_error`;
    let text = '';
    for (let poll = 0; poll < 300; poll++) {
      ({ text } = await send(this.base, { method: 'GET', path }, NEWEST));
      const node = JSON.parse(text) as Record<string, string | null>;
      const free = node['reservation'] === null && node['target_power_state'] === null;
      if (free && node['provision_state'] === state) return;
      await sleep(50);
    }
    throw new Error(`${this.base}: ${settled} did not come to ${state}: ${text}`);
  }

  #filled(path: string): string {
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => this.#kept.get(name) ?? `{${name}}`);
  }
}

async function send(
  base: string,
  { method, path, body, headers }: Pick<Exchange, 'method' | 'path' | 'body' | 'headers'>,
  version: Version,
): Promise<Answer> {
  const asked = typeof version === 'number' ? `1.${version}` : version;
  const answer = await fetch(base + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(asked === null ? {} : { 'x-openstack-ironic-api-version': asked }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** `a.b[0].c` out of a JSON value. */
function pick(value: unknown, path: string): unknown {
  const parts = path.split(/[.[\]]+/).filter(Boolean);
  return parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], value);
}

/** Reads of one thing at several versions that are under way together. */
const AT_ONCE = 4;

/** Asks both servers the same and compares what they answer. Both are empty before and after. */
export async function runScenario(scenario: Scenario, theirs: string, ours: string): Promise<Run> {
  const run: Run = { exchanges: 0, findings: [] };
  const [their, our] = [new Side(theirs), new Side(ours)];
  try {
    await ask(scenario, their, our, run);
  } finally {
    await Promise.all([empty(theirs), empty(ours)]);
  }
  return run;
}

async function ask(scenario: Scenario, their: Side, our: Side, run: Run): Promise<void> {
  for (const step of scenario.steps) {
    if ('settled' in step) {
      await Promise.all([their.settle(step), our.settle(step)]);
      continue;
    }
    const compareAt = async (version: Version) => {
      const answers = await Promise.all([their.ask(step, version), our.ask(step, version)]);
      run.exchanges++;
      const differences = compare(normalise(their.base, answers[0]), normalise(our.base, answers[1]));
      const request = `${step.method} ${step.path}`;
      const body = step.body === undefined ? '' : JSON.stringify(step.body).slice(0, 200);
      for (const difference of differences) {
        run.findings.push({ scenario: scenario.name, request, body, version, ...difference });
      }
    };
    const together = step.method === 'GET' ? AT_ONCE : 1;
    for (let at = 0; at < step.at.length; at += together) {
      await Promise.all(step.at.slice(at, at + together).map(compareAt));
    }
  }
}

const COLLECTIONS = [
  ['allocations', 'allocations'],
  ['nodes', 'nodes'],
  ['chassis', 'chassis'],
  ['deploy_templates', 'deploy_templates'],
] as const;

/** Removes every object of a server that scenarios create. */
async function empty(base: string): Promise<void> {
  for (const [path, name] of COLLECTIONS) {
    const { status, text } = await send(base, { method: 'GET', path: `/v1/${path}` }, NEWEST);
    if (status === 404) continue;
    for (const { uuid } of (JSON.parse(text) as Record<string, { uuid: string }[]>)[name] ?? []) {
      await removeOne(base, `/v1/${path}/${uuid}`, path === 'nodes');
    }
  }
}

async function removeOne(base: string, path: string, isNode: boolean): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < 40; attempt++) {
    // A node may be deleted in any state once it is in maintenance.
    if (isNode) await send(base, { method: 'PUT', path: `${path}/maintenance`, body: {} }, NEWEST);
    const { status, text } = await send(base, { method: 'DELETE', path }, NEWEST);
    if (status === 204 || status === 404) return;
    last = text;
    if (last.includes('protected')) {
      const body = [{ op: 'replace', path: '/protected', value: false }];
      await send(base, { method: 'PATCH', path, body }, NEWEST);
    }
    await sleep(100);
  }
  throw new Error(`${base}${path} could not be removed: ${last}`);
}

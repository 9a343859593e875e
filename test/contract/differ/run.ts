import { setTimeout as sleep } from 'node:timers/promises';
import type { Difference } from '../compare/walk.js';
import { compare } from './compare.js';
import { normalise } from './normalise.js';
import {
  type Decided,
  type Exchange,
  NEWEST,
  type Scenario,
  type Settled,
  type Version,
} from './scenario.js';

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
  asked: Asked[];
}

/** What was asked of both. */
export interface Asked {
  method: string;
  /** As the scenario has it. */
  path: string;
  /** Both did it. */
  good: boolean;
}

/** Where one of the two is reached. */
export interface Server {
  url: string;
  agentUrl: string;
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** One of the two servers, while a scenario runs on it. */
class Side {
  readonly #kept = new Map<string, string>();

  constructor(
    readonly base: string,
    readonly agents: string,
  ) {}

  async ask(exchange: Exchange, version: Version): Promise<Answer> {
    const { path, body } = exchange;
    const filled = {
      ...exchange,
      path: this.#filled(path),
      ...(body === undefined || typeof body === 'string' ? {} : { body: this.#filled(JSON.stringify(body)) }),
    };
    const answer = await send(exchange.agent ? this.agents : this.base, filled, version);
    for (const [name, at] of Object.entries(exchange.save ?? {})) {
      this.#kept.set(name, String(pick(JSON.parse(answer.text), at)));
    }
    return answer;
  }

  /** @returns the last look at what did not come to its state in time; null: it did */
  async settle(step: Settled | Decided): Promise<string | null> {
    let text = '';
    for (let poll = 0; poll < 300; poll++) {
      const path =
        'settled' in step
          ? `/v1/nodes/${step.settled}?fields=provision_state,target_power_state,reservation,last_error`
          : `/v1/allocations/${step.decided}`;
      ({ text } = await send(this.base, { method: 'GET', path }, NEWEST));
      const now = JSON.parse(text) as Record<string, string | null>;
      if ('decided' in step && now['state'] === step.state) return null;
      const free = now['reservation'] === null && now['target_power_state'] === null;
      if (free && now['provision_state'] === step.state) return null;
      await sleep(50);
    }
    return text;
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

/** Exchanges under way together whose order does not matter. */
const AT_ONCE = 4;

/** Asks both servers the same and compares what they answer. Both are empty before and after. */
export async function runScenario(scenario: Scenario, theirs: Server, ours: Server): Promise<Run> {
  const run: Run = { exchanges: 0, findings: [], asked: [] };
  const [their, our] = [new Side(theirs.url, theirs.agentUrl), new Side(ours.url, ours.agentUrl)];
  try {
    await ask(scenario, their, our, run);
  } finally {
    await Promise.all([empty(theirs.url), empty(ours.url)]);
  }
  return run;
}

async function ask(scenario: Scenario, their: Side, our: Side, run: Run): Promise<void> {
  const compareAt = async (step: Exchange, version: Version) => {
    const answers = await Promise.all([their.ask(step, version), our.ask(step, version)]);
    run.exchanges++;
    const good = answers.every(({ status }) => status < 300);
    run.asked.push({ method: step.method, path: step.path, good });
    const base = (side: Side) => (step.agent ? side.agents : side.base);
    const differences = compare(normalise(base(their), answers[0]), normalise(base(our), answers[1]));
    const request = `${step.method} ${step.path}`;
    const body = step.body === undefined ? '' : JSON.stringify(step.body).slice(0, 200);
    for (const difference of differences) {
      run.findings.push({ scenario: scenario.name, request, body, version, ...difference });
    }
  };
  const { steps } = scenario;
  for (let at = 0; at < steps.length; ) {
    const step = steps[at]!;
    if (!('method' in step)) {
      at++;
      const [theirs, ours] = await Promise.all([their.settle(step), our.settle(step)]);
      if (theirs === null && ours === null) continue;
      const what = { scenario: scenario.name, request: JSON.stringify(step), body: '', version: NEWEST };
      run.findings.push({ ...what, path: 'settled', theirs: theirs ?? 'yes', ours: ours ?? 'yes' });
      continue;
    }
    const together: Exchange[] = [];
    for (let next = steps[at]; next && 'method' in next && isOrderless(scenario, next); next = steps[++at]) {
      together.push(next);
    }
    await pooled(together.flatMap((one) => one.at.map((version) => () => compareAt(one, version))));
    if (together.length > 0) continue;
    at++;
    for (const version of step.at) await compareAt(step, version);
  }
}

/** What Ironic asks the machine for, holding the node. */
const HOLDS = /\/(management|states\/console|vendor_passthru|vifs|validate|raid)/;

/** Reads beside each other see the same. A ramdisk's lookup is more than a read. */
function isOrderless({ orderless = false }: Scenario, { method, path, save, agent }: Exchange): boolean {
  return orderless || (method === 'GET' && !save && !agent && !HOLDS.test(path));
}

export async function pooled(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const left = tasks.values();
  const work = async () => {
    for (const task of left) await task();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

const COLLECTIONS = ['allocations', 'nodes', 'chassis', 'deploy_templates', 'runbooks', 'inspection_rules'];

/** Removes every object of a server that scenarios create. */
export async function empty(base: string, newest: Version = NEWEST): Promise<void> {
  for (const name of COLLECTIONS) {
    const path = `/v1/${name}${name === 'nodes' && newest === 'latest' ? '?include_children=true' : ''}`;
    const { status, text } = await send(base, { method: 'GET', path }, newest);
    if (status === 404) continue;
    for (const { uuid } of (JSON.parse(text) as Record<string, { uuid: string }[]>)[name] ?? []) {
      await removeOne(base, `/v1/${name}/${uuid}`, name === 'nodes', newest);
    }
  }
}

async function removeOne(base: string, path: string, isNode: boolean, newest: Version): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < 40; attempt++) {
    // A node may be deleted in any state once it is in maintenance.
    if (isNode) await send(base, { method: 'PUT', path: `${path}/maintenance`, body: {} }, newest);
    const { status, text } = await send(base, { method: 'DELETE', path }, newest);
    if (status === 204 || status === 404) return;
    last = text;
    if (last.includes('protected')) {
      const body = [{ op: 'replace', path: '/protected', value: false }];
      await send(base, { method: 'PATCH', path, body }, newest);
    }
    await sleep(100);
  }
  throw new Error(`${base}${path} could not be removed: ${last}`);
}

/** All runs as one. */
export function total(runs: Iterable<Run>): Run {
  const all = [...runs];
  return {
    exchanges: all.reduce((sum, run) => sum + run.exchanges, 0),
    findings: all.flatMap(({ findings }) => findings),
    asked: all.flatMap(({ asked }) => asked),
  };
}

import { compare } from '../differ/compare.js';
import { pooled, type Run } from '../differ/run.js';
import { normalise } from './normalise.js';
import { type Exchange, IMAGES, PATCH, type Scenario } from './scenario.js';

async function send(base: string, { method, path, body, headers, type }: Exchange) {
  const isPlain = typeof body === 'string' || body instanceof Uint8Array;
  const content = isPlain || body === undefined ? body : JSON.stringify(body);
  const sent = type ?? (body === undefined ? undefined : 'application/json');
  const answer = await fetch(base + path, {
    method,
    redirect: 'manual',
    headers: { ...(sent === undefined ? {} : { 'content-type': sent }), ...headers },
    ...(content === undefined ? {} : { body: content as string | Uint8Array<ArrayBuffer> }),
  });
  return normalise(base, { status: answer.status, headers: answer.headers, text: await answer.text() });
}

/** Asks both services the same and compares what they answer. Both are empty before and after. */
export async function runScenario(scenario: Scenario, theirs: string, ours: string): Promise<Run> {
  const run: Run = { exchanges: 0, findings: [], asked: [] };
  try {
    const { name, steps } = scenario;
    for (let at = 0; at < steps.length; ) {
      // Reads beside each other see the same.
      const reads: Exchange[] = [];
      for (let next = steps[at]; next && isRead(next); next = steps[++at]) reads.push(next);
      await pooled(reads.map((read) => () => ask(name, read, theirs, ours, run)));
      const step = steps[at++];
      if (step) await ask(name, step, theirs, ours, run);
    }
  } finally {
    await Promise.all([empty(theirs), empty(ours)]);
  }
  return run;
}

const isRead = ({ method }: Exchange) => method === 'GET';

async function ask(scenario: string, step: Exchange, their: string, our: string, run: Run): Promise<void> {
  const [theirs, ours] = await Promise.all([send(their, step), send(our, step)]);
  run.exchanges++;
  const { method, path } = step;
  run.asked.push({ method, path, good: theirs.status < 300 && ours.status < 300 });
  const body = step.body === undefined ? '' : `${step.type ?? ''} ${JSON.stringify(step.body)}`.slice(0, 200);
  const headers = step.headers ? JSON.stringify(step.headers) : '';
  for (const difference of compare(theirs, ours)) {
    const request = `${method} ${path}`;
    run.findings.push({ scenario, request, body: `${body}${headers}`.trim(), version: null, ...difference });
  }
}

async function empty(base: string): Promise<void> {
  for (const hidden of ['false', 'true']) {
    const listing = `${base}${IMAGES}?visibility=all&limit=100&os_hidden=${hidden}`;
    const { images } = (await (await fetch(listing)).json()) as {
      images: { id: string; protected: boolean }[];
    };
    for (const image of images) {
      const url = `${base}${IMAGES}/${image.id}`;
      if (image.protected) {
        const body = JSON.stringify([{ op: 'replace', path: '/protected', value: false }]);
        await fetch(url, { method: 'PATCH', headers: { 'content-type': PATCH }, body });
      }
      const { status } = await fetch(url, { method: 'DELETE' });
      if (status !== 204) throw new Error(`${url} could not be removed: ${status}`);
    }
  }
}

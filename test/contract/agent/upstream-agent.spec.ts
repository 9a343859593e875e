import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentStep, parseStepList } from '../../../src/protocol/agent/step.js';
import { AgentUnderTest, type CurlAnswer } from '../../support/agent/agent-under-test.js';
import { TOKEN } from '../../support/agent/fake-conductor.js';

interface Exchange {
  name: string;
  request: { method: string; path: string; body?: unknown };
  answer: { status: number; type: string; body: unknown };
}

// What ironic-python-agent answers, recorded from it; our agent is asked the same.
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/ironic-python-agent-9.4.json'), 'utf8'),
) as { exchanges: Exchange[] };
const exchange = (name: string) => recorded.exchanges.find((one) => one.name === name)!;

describe('beside ironic-python-agent', () => {
  const answers = new Map<string, CurlAnswer>();
  let test: AgentUnderTest;

  beforeAll(async () => {
    test = await AgentUnderTest.prepare();
    test.machine.addDisk(`${test.dir}/disk`, 5 * 2 ** 30);
    test.conductor.apiVersion = '1.82'; // of the same age as the recording: results are read without the token
    await test.start('ipa-image-download-connection-retry-interval=10');
    for (const { name, request } of recorded.exchanges) {
      const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
      const data = request.body === undefined ? [] : ['--data-binary', body];
      const url = request.path.replace('TOKEN', TOKEN);
      answers.set(name, await test.curl(url, '-X', request.method, ...data));
    }
  });
  afterAll(async () => {
    await test.stop();
  });

  const same = (name: string) => {
    expect(answers.get(name)).toEqual({
      status: exchange(name).answer.status,
      body: exchange(name).answer.body,
    });
  };
  /** The kinds of the values, however deep. */
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shape);
    if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
  };

  it.each([
    'empty list',
    'get unknown command',
    'list without token',
    'post without token',
    'post nothing',
    'post without params',
    'post a list as params',
    'name without a dot',
    'unknown extension',
    'unknown command',
    'unknown path',
    'wrong method',
    'prepare_image without an image',
    'prepare_image with empty urls',
    'busy',
    'busy comes before unknown',
    'malformed comes before busy',
  ])('answers alike: %s', same);

  it.each([
    'root',
    'versions',
    'status',
    'status without version',
    'partition uuids',
    'prepare_image starts',
  ])('has the same shape: %s', (name) => {
    expect(answers.get(name)!.status).toBe(exchange(name).answer.status);
    expect(shape(answers.get(name)!.body)).toEqual(shape(exchange(name).answer.body));
  });

  it.each([
    'clean step of another version',
    'unknown clean step',
    'unknown deploy step',
    'clean step without a name',
    'write_image without urls',
    'write_image without checksum',
  ])('fails alike: %s', (name) => {
    type Failed = { command_error: { details: string } };
    const [ours, theirs] = [answers.get(name)!.body, exchange(name).answer.body] as [Failed, Failed];
    const known = (record: Failed) => ({
      ...record,
      id: '',
      command_error: { ...record.command_error, details: '' },
    });
    expect(known(ours)).toEqual(known(theirs));
    expect(answers.get(name)!.status).toBe(exchange(name).answer.status);
    // Python's and JavaScript's ways to show an object differ; sentences do not.
    if (!/[{]/.test(theirs.command_error.details))
      expect(ours.command_error.details).toBe(theirs.command_error.details);
  });

  it.each(['clean', 'deploy'] as const)(
    'offers %s steps that upstream offers too, with the same facts',
    (kind) => {
      const result = (body: unknown) => (body as { command_result: unknown }).command_result;
      const steps = (body: unknown): AgentStep[] =>
        Object.values(parseStepList(kind, result(body)).steps).flat();
      const theirs = steps(exchange(`${kind} steps`).answer.body);
      const ours = steps(answers.get(`${kind} steps`)!.body);
      expect(ours.length).toBeGreaterThan(1);
      for (const step of ours) expect(theirs).toContainEqual(step);
    },
  );

  it('keeps every command in the order of their coming', () => {
    const list = (body: unknown) =>
      (body as { commands: { command_name: string; command_status: string }[] }).commands;
    const facts = (body: unknown) => list(body).map((one) => [one.command_name, one.command_status]);
    expect(facts(answers.get('full list')!.body)).toEqual(facts(exchange('full list').answer.body));
  });
});

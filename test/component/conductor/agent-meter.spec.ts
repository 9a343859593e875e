import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { measureWith } from '../../../src/platform/meter/meter.js';
import { Series } from '../../../src/platform/meter/series.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
let series: Series;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database);
  await kit.start(null);
  series = new Series();
  measureWith(series);
});
afterEach(async () => {
  measureWith(null);
  await kit.stop(null);
});

const counted = (name: 'agent_heartbeats_total' | 'agent_lookups_total' | 'operation_failures_total') =>
  Object.fromEntries(
    [...(series.counters.get(name)?.values() ?? [])].map(({ labels, value }) => [labels.join(), value]),
  );

it('lookups and heartbeats are counted by how they ended, and the seconds of a heartbeat', async () => {
  const uuid = await kit.node();
  await kit.conductor.verbs.provision(uuid, 'manage', {}, BY);
  await kit.settle(uuid, 'manageable');
  const lookup = () => kit.conductor.agents.lookUp({ addresses: [], node_uuid: uuid, source: '127.0.0.1' });
  await expect(lookup()).rejects.toMatchObject({ code: 'not-found' });
  const clean = { clean_steps: [{ interface: 'deploy', step: 'wait' }] };
  await kit.conductor.verbs.provision(uuid, 'clean', clean, BY);
  await kit.settle(uuid, 'clean wait');
  const { agent_token } = await lookup();
  const beat = (token: string) =>
    kit.conductor.agents.heartbeat(
      uuid,
      { callback_url: 'https://127.0.0.1:9', agent_token: token, agent_version: '9.1.0' },
      '127.0.0.1',
    );
  await expect(beat('wrong')).rejects.toMatchObject({ code: 'invalid' });
  await beat(agent_token!);
  await kit.settle(uuid, 'manageable');
  expect(counted('agent_lookups_total')).toEqual({ 'not-found': 1, succeeded: 1 });
  expect(counted('agent_heartbeats_total')).toEqual({ invalid: 1, succeeded: 1 });
  const [seconds] = [...series.histograms.get('agent_heartbeat_duration_seconds')!.values()];
  expect(seconds!.counts.reduce((sum, one) => sum + one, 0)).toBe(2);
  expect(counted('operation_failures_total')).toEqual({});
});

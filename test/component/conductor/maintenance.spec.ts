import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/domain/json.js';
import { nextByVerb } from '../../../src/domain/provision/machine.js';
import {
  type ProvisionState,
  type ProvisionVerb,
  STATES,
  VERBS,
} from '../../../src/domain/provision/table.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
  kit = await fakeConductor(database);
  await kit.start(null);
});
afterAll(async () => {
  await kit.stop(null);
  await database.stop();
});

const ARGUMENTS: Partial<Record<ProvisionVerb, JsonObject>> = {
  clean: { clean_steps: [{ interface: 'deploy', step: 'erase_devices' }] },
  service: { service_steps: [{ interface: 'deploy', step: 'erase_devices' }] },
  rescue: { rescue_password: 'hunter2' },
};
const VERB_NAMES = Object.keys(VERBS) as ProvisionVerb[];
/** Ironic's conductor/manager.py and deployments.py raise NodeInMaintenance for these, in these words. */
const REFUSED: Partial<Record<ProvisionVerb, string>> = {
  active: 'provisioning',
  deploy: 'provisioning',
  rebuild: 'provisioning',
  clean: 'cleaning',
  rescue: 'rescuing',
  unrescue: 'unrescuing',
  service: 'service',
};
const stateFor = (verb: ProvisionVerb) =>
  (Object.keys(STATES) as ProvisionState[]).filter((state) => nextByVerb(state, verb));
const inMaintenance = (state: ProvisionState, name: string) =>
  kit.node(
    { fake_journal: name },
    {
      provision_state: state,
      power_state: 'power on',
      maintenance: true,
      maintenance_reason: 'a hand on it',
      instance_info: { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) },
    },
  );
const cases = VERB_NAMES.flatMap((verb) => stateFor(verb).map((state) => [verb, state] as const));

describe('a verb for a node in maintenance', () => {
  it.each(cases.filter(([verb]) => REFUSED[verb]))(
    '%s in %s is refused, and does nothing',
    async (verb, state) => {
      const name = `${verb}-${state}`.replaceAll(' ', '-');
      const uuid = await inMaintenance(state, name);
      await expect(
        kit.conductor.verbs.provision(uuid, verb, ARGUMENTS[verb] ?? {}, BY),
      ).rejects.toMatchObject({
        code: 'invalid',
        message: `The ${REFUSED[verb]} operation can't be performed on node ${uuid} because it's in maintenance mode.`,
      });
      expect(await kit.parts.nodes.get(uuid)).toMatchObject({
        provision_state: state,
        maintenance_reason: 'a hand on it',
      });
      expect(await kit.parts.operations.openOf(uuid)).toBeNull();
      expect(() => kit.effects(name)).toThrow('ENOENT');
    },
  );

  it.each(cases.filter(([verb, state]) => !REFUSED[verb] && verb !== 'unhold' && state !== 'service failed'))(
    '%s in %s is done',
    async (verb, state) => {
      const uuid = await inMaintenance(state, `done-${verb}-${state}`.replaceAll(' ', '-'));
      await kit.conductor.verbs.provision(uuid, verb, {}, BY);
      expect((await kit.parts.nodes.get(uuid)).provision_state).not.toBe(state);
    },
  );

  it('abort of a failed service is refused until maintenance ends', async () => {
    const uuid = await inMaintenance('service failed', 'service-failed');
    await expect(kit.conductor.verbs.provision(uuid, 'abort', {}, BY)).rejects.toThrow(
      `Can not abort service on node "${uuid}" while it is in maintenance mode.`,
    );
  });
});

describe('what an operator said of the maintenance', () => {
  it.each([
    ['manageable', 'provide', 'erase_devices_metadata', 'clean failed', 'clean failure'],
    ['manageable', 'inspect', 'inspect_hardware', 'inspect failed', null],
  ] as const)('stands when work in %s on %s fails meanwhile', async (state, verb, step, failed, fault) => {
    const uuid = await kit.node(
      { [`fake_fail_${step}`]: 'no disk' },
      { provision_state: state, maintenance: true, maintenance_reason: 'the fan' },
    );
    await kit.conductor.verbs.provision(uuid, verb, {}, BY);
    expect(await kit.settle(uuid, failed)).toMatchObject({
      maintenance: true,
      maintenance_reason: 'the fan',
      fault,
    });
  });
});

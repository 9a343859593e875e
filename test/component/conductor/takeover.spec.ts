import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/platform/logger.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
const running: Awaited<ReturnType<typeof fakeConductor>>[] = [];
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(() => database.clear());
afterEach(async () => {
  for (const kit of running.splice(0)) await kit.stop(null);
});

const lines: string[] = [];
const conductor = async (host: string) => {
  const kit = await fakeConductor(database, {
    host,
    settings: { heartbeat_timeout: 2 },
    log: createLogger('info', { write: (line: string) => void lines.push(line) }),
  });
  await kit.start(null);
  running.push(kit);
  return kit;
};
const leave = async (kit: Awaited<ReturnType<typeof fakeConductor>>) => {
  running.splice(running.indexOf(kit), 1);
  await kit.stop(null);
};
const alive = (kit: Awaited<ReturnType<typeof fakeConductor>>) =>
  kit.tasks.find((task) => task.name === 'liveness')!.run(new AbortController().signal);
const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };

describe('a conductor that starts under another name', () => {
  it('says whose nodes there are, and takes them with their work when that name has been dead long enough', async () => {
    const former = await conductor('former');
    const resting = await former.node({}, { provision_state: 'available' });
    const deploying = await former.node(
      { fake_delay_write_image: 0.5 },
      { provision_state: 'available', instance_info: image },
    );
    const held = await former.node({}, { provision_state: 'manageable' });
    await former.conductor.verbs.provision(deploying, 'active', {}, BY);
    await former.settle(deploying, 'wait call-back');
    await former.conductor.verbs.provision(
      held,
      'clean',
      { clean_steps: [{ interface: 'deploy', step: 'hold' }], disable_ramdisk: true },
      BY,
    );
    await former.settle(held, 'clean hold');
    await leave(former);
    const reserved = await former.parts.nodes.reservations.reserve(resting, 'former', 600);
    const before = reserved && 'fence' in reserved ? reserved.fence.epoch : '';

    lines.length = 0;
    const renamed = await conductor('renamed');
    expect(lines.join('')).toMatch(/"conductor":"former","nodes":3.*belong to another conductor/);
    await alive(renamed);
    expect((await renamed.parts.nodes.get(resting)).conductor_affinity).toBe('former');
    await sleep(2_200);
    await alive(renamed);
    expect(lines.join('')).toMatch(/"conductor":"former","nodes":3,"operations":2.*took over/);
    for (const uuid of [resting, deploying, held]) {
      expect((await renamed.parts.nodes.get(uuid)).conductor_affinity).toBe('renamed');
    }
    const node = await renamed.parts.nodes.get(resting);
    expect(node.reservation).toBeNull();
    // What the dead one believes to hold it cannot write under.
    expect(Number(node.reservation_epoch)).toBeGreaterThan(Number(before));
    await renamed.settle(deploying, 'active');
    await renamed.conductor.verbs.provision(held, 'unhold', {}, BY);
    await renamed.settle(held, 'manageable');
    await renamed.conductor.verbs.setPower(resting, 'power on', null, BY);
  });

  it('takes what nobody ever was, as in a restored database, and work that was cut', async () => {
    const first = await conductor('first');
    const uuid = await first.node({}, { provision_state: 'manageable' });
    await database.source.query(
      `update node set conductor_affinity = 'nobody', provision_state = 'cleaning', target_power_state = 'power on'`,
    );
    await alive(first);
    expect(await first.settle(uuid, 'clean failed')).toMatchObject({
      conductor_affinity: 'first',
      target_power_state: null,
      last_error: expect.stringContaining('found no record'),
    });
  });

  it('takes nothing of a conductor that is alive, nor what it has no driver for', async () => {
    const one = await conductor('one');
    const uuid = await one.node({}, { provision_state: 'available' });
    const foreign = await one.node({}, { provision_state: 'available' });
    const other = await conductor('other');
    await sleep(2_200);
    await alive(one);
    await alive(other);
    expect((await one.parts.nodes.get(uuid)).conductor_affinity).toBe('one');
    await leave(one);
    await database.source.query(`update node set driver = 'redfish' where uuid = $1`, [foreign]);
    await sleep(2_200);
    await alive(other);
    expect((await other.parts.nodes.get(uuid)).conductor_affinity).toBe('other');
    expect((await other.parts.nodes.get(foreign)).conductor_affinity).toBe('one');
  });
});

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTransaction } from '../../../src/database/data-source.js';
import { FerricError, UnavailableError } from '../../../src/domain/errors.js';
import type { StepOutcome } from '../../../src/domain/step/step.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import { HttpFailure } from '../../../src/platform/http-client.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { imageBed } from '../../support/image-service.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database);
  await kit.start(null);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await kit.stop(null);
});

const image = { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) };
/** A machine on which that step does what the test says. */
async function machine(step: string, run: (context: StepContext) => Promise<StepOutcome>) {
  // A delay: such a step is none that only looks.
  const driver_info = { fake_delay_write_image: 0.01 };
  const uuid = await kit.node(driver_info, { provision_state: 'available', instance_info: image });
  const { steps } = kit.parts.registry.resolve(await kit.parts.nodes.get(uuid));
  const declared = steps.find(({ name, kind }) => name === step && kind === 'deploy')!;
  vi.spyOn(declared, 'run').mockImplementation(run);
  return uuid;
}
const errno = (code: string) => Object.assign(new Error(`connect ${code} 10.0.0.1:80`), { code });

describe('an error that is not the database’s', () => {
  it.each([
    [
      'an image server that refuses',
      new HttpFailure('connection', 'http://images/x', 'the connection failed', {
        cause: errno('ECONNREFUSED'),
      }),
    ],
    [
      'one that resets',
      new HttpFailure('connection', 'http://images/x', 'the connection failed', {
        cause: errno('ECONNRESET'),
      }),
    ],
    ['a pipe that broke', errno('EPIPE')],
    ['a file that is gone', errno('ENOENT')],
    ['an agent’s time-out', errno('ETIMEDOUT')],
    ['something else that is away', new UnavailableError('No room here.')],
    ['a store that lost bytes', new FerricError('image-unavailable', 'The image store has lost bytes.')],
    ['words like those of the database’s client', new Error('Connection terminated unexpectedly')],
    ['a code like one of the server', errno('57P01')],
  ])('%s: the work fails by its own words, and can be taken back', async (_, error) => {
    const uuid = await machine('write_image', () => Promise.reject(error));
    await kit.conductor.verbs.provision(uuid, 'active', {}, BY);
    const failed = await kit.settle(uuid, 'deploy failed');
    expect(failed.last_error).toContain(error.message);
    await kit.conductor.verbs.provision(uuid, 'deleted', {}, BY);
    await kit.settle(uuid, 'available');
  });

  it.each([
    ['refuses connections', null],
    ['resets them', (socket: Socket) => socket.resetAndDestroy()],
    ['hangs up', (socket: Socket) => socket.destroy()],
    ['says nothing', () => undefined],
  ])('a real image server that %s: the work fails, within its own time', async (_, rude) => {
    const bed = await imageBed();
    const server = createServer((socket) => rude?.(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    if (!rude) await new Promise((resolve) => server.close(resolve));
    const checksum = { algo: 'sha256', value: 'a'.repeat(64) };
    const uuid = await machine('write_image', async () => {
      await bed.service.fetchTo(`http://127.0.0.1:${port}/x`, bed.target(), { checksum });
      return { is: 'done' };
    });
    await kit.conductor.verbs.provision(uuid, 'active', {}, BY);
    expect((await kit.settle(uuid, 'deploy failed')).last_error).toContain(`http://127.0.0.1:${port}/x`);
    await bed.close();
    server.close();
  });

  it('in a commit, which no other try would mend: it fails too', async () => {
    const uuid = await machine('write_image', async () => ({
      is: 'wait',
      for: 'poll',
      pollAfter: 1,
      checkpoint: '\u0000',
    }));
    await kit.conductor.verbs.provision(uuid, 'active', {}, BY);
    expect((await kit.settle(uuid, 'deploy failed')).last_error).toContain('out of range');
  });
});

describe('an error of the database in a step', () => {
  it.each([
    '55P03',
    '57014',
    '25006',
    '40001',
    '40P01',
    '53100',
    '53200',
    '53300',
    '57P01',
    '08006',
    'XX000',
  ])('%s: the work is taken up again', async (code) => {
    let times = 0;
    const uuid = await machine('write_image', async () => {
      if (++times === 1) {
        await inTransaction(database.source, (manager) =>
          manager.query(`do $$ begin raise exception 'as told' using errcode = '${code}'; end $$`),
        ).catch((error: unknown) => {
          throw new FerricError('internal', 'in other words', { cause: error });
        });
      }
      return { is: 'done' };
    });
    await kit.conductor.verbs.provision(uuid, 'active', {}, BY);
    expect(await kit.settle(uuid, 'active', 'deploy failed')).toMatchObject({
      provision_state: 'active',
      last_error: null,
    });
    expect(times).toBe(2);
  });
});

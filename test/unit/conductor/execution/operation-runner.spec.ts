import { expect, it } from 'vitest';
import { OperationRunner } from '../../../../src/conductor/execution/operation-runner.js';
import type { StepEvent } from '../../../../src/domain/step/advance.js';

/** A runner whose first event is being handled until `release` is called; `loads` counts what it took up. */
function busyRunner() {
  let loads = 0;
  const { promise, resolve: release } = Promise.withResolvers<void>();
  const operations = {
    load: async () => {
      loads++;
      await promise;
      return null; // nothing more to do for it
    },
  };
  type Parts = ConstructorParameters<typeof OperationRunner>[0];
  const runner = new OperationRunner({ operations } as unknown as Parts);
  runner.deliver('1', { on: 'restart' });
  return { runner, release, loads: () => loads };
}

const HEARTBEAT: StepEvent = { on: 'wake', why: 'heartbeat' };
const POLL: StepEvent = { on: 'wake', why: 'poll' };

it.each([
  ['a poll behind a heartbeat', [HEARTBEAT, POLL]],
  ['a heartbeat behind a poll', [POLL, HEARTBEAT]],
])('%s is kept: a step may wait for one of them only; a second one of each is dropped', async (_, events) => {
  const { runner, release, loads } = busyRunner();
  for (const event of [...events, ...events, { on: 'deadline' } as const]) runner.deliver('1', event);
  release();
  await expect.poll(loads).toBe(1 + 3);
  await runner.stop();
  expect(loads()).toBe(1 + 3);
});

/** A runner whose waiting operations `listed` returns: no poll is due, and no timer runs; `loads` counts polls. */
function sweptRunner(listed: () => readonly object[]) {
  let loads = 0;
  const operations = {
    open: async () => listed(),
    load: async () => {
      loads++;
      return null;
    },
  };
  type Parts = ConstructorParameters<typeof OperationRunner>[0];
  const parts = { operations, reservations: { holds: () => false }, host: 'h' };
  const runner = new OperationRunner(parts as unknown as Parts);
  const sweep = async () => {
    const taken = await runner.sweep();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return taken;
  };
  return { runner, sweep, loads: () => loads };
}
const WAITING = {
  ...{ id: '1', node_uuid: 'n', kind: 'inspect', state: 'waiting', poll_in: null, deadline_in: null },
  ...{ abort_requested: false, stopped: true },
};

it("another process's wait is polled once, and not at every sweep", async () => {
  const { runner, sweep, loads } = sweptRunner(() => [WAITING]);
  expect([await sweep(), await sweep(), await sweep()]).toEqual([1, 0, 0]);
  expect(loads()).toBe(1);
  await runner.stop();
});

it('a wait that another process had in the meantime is polled once again', async () => {
  let listed: object[] = [WAITING];
  const { runner, sweep, loads } = sweptRunner(() => listed);
  await sweep();
  listed = [];
  await sweep();
  listed = [WAITING];
  expect([await sweep(), await sweep()]).toEqual([1, 0]);
  expect(loads()).toBe(2);
  await runner.stop();
});

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

it("another process's wait is polled once, and not at every sweep: no poll is due, and no timer runs", async () => {
  let loads = 0;
  const waiting = {
    id: '1',
    node_uuid: 'n',
    kind: 'inspect',
    state: 'waiting',
    poll_in: null,
    deadline_in: null,
  };
  const operations = {
    open: () => Promise.resolve([{ ...waiting, abort_requested: false, stopped: true }]),
    load: () => {
      loads++;
      return Promise.resolve(null);
    },
  };
  type Parts = ConstructorParameters<typeof OperationRunner>[0];
  const parts = { operations, reservations: { holds: () => false }, host: 'h' };
  const runner = new OperationRunner(parts as unknown as Parts);
  for (let sweep = 0; sweep < 3; sweep++) {
    expect(await runner.sweep()).toBe(sweep === 0 ? 1 : 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(loads).toBe(1);
  await runner.stop();
});

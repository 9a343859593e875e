import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Changes } from '../../../src/conductor/execution/changes.js';
import { JournalWriter } from '../../../src/conductor/execution/journal-writer.js';
import { NodeDraft } from '../../../src/conductor/execution/node-draft.js';
import type { Reservation } from '../../../src/conductor/execution/reservation.js';
import { Transitions } from '../../../src/conductor/execution/transition.js';
import { ReservationLostError } from '../../../src/domain/errors.js';
import { advance } from '../../../src/domain/step/advance.js';
import type { PlannedStep } from '../../../src/domain/step/step.js';
import { BY, fakeConductor } from '../../support/conductor.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
let kit: Awaited<ReturnType<typeof fakeConductor>>;
let writer: JournalWriter;
let moves: Transitions;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.clear();
  kit = await fakeConductor(database);
  await kit.start(null);
  moves = new Transitions(kit.parts);
  writer = new JournalWriter({ ...kit.parts, changes: new Changes(kit.parts), transitions: moves });
});
afterEach(() => kit.stop(null));

const step: PlannedStep = {
  interface: 'deploy',
  name: 'first',
  priority: 10,
  args: { depth: [1, { two: '2' }] },
  abortable: true,
  rerunnable: true,
  visible: true,
  agent: false,
};

/** A node in `enroll` under a reservation, and work on it that was accepted. */
async function accepted(extra: Parameters<typeof kit.node>[1] = {}) {
  const uuid = await kit.node({}, extra);
  const taken = await kit.parts.nodes.reservations.reserve(uuid, 'conductor-1', 60);
  if (!taken || !('fence' in taken)) throw new Error('not reserved');
  let given = false;
  const reservation: Reservation = {
    ...taken,
    signal: new AbortController().signal,
    ensure: () => Promise.resolve(),
    release: () => Promise.resolve(),
    passed: () => {
      given = true;
    },
  };
  const draft = new NodeDraft(taken.node, kit.parts.nodes);
  const work = {
    node_uuid: uuid,
    kind: 'verify' as const,
    steps: [step, { ...step, name: 'last' }],
    actor: BY,
    conductor: 'conductor-1',
  };
  const entry = {
    work,
    superseding: 'Superseded.',
    moves: [moves.plan(taken.node, 'manage', { actor: BY })],
  };
  const operation = (await writer.accept({ draft, reservation }, entry))!;
  return { uuid, reservation, draft, operation, isGiven: () => given };
}

const stored = (uuid: string) => kit.parts.nodes.get(uuid);

describe('accepting', () => {
  it('writes the move, its event, and the journal as it reads it again', async () => {
    const { uuid, operation } = await accepted();
    expect(await stored(uuid)).toMatchObject({
      provision_state: 'verifying',
      target_provision_state: 'manageable',
      reservation: 'conductor-1',
    });
    expect(await kit.states(uuid)).toEqual(['enroll', 'verifying']);
    expect(await kit.parts.operations.load(operation.id)).toMatchObject(operation);
  });

  it('ends the open work of the node in the same moment', async () => {
    const { uuid, reservation, draft, operation } = await accepted();
    const begins = {
      node_uuid: uuid,
      kind: 'clean' as const,
      steps: [step],
      actor: BY,
      conductor: 'c',
    };
    const second = (await writer.accept(
      { draft, reservation },
      { work: begins, superseding: 'Superseded by "this".' },
    ))!;
    expect((await kit.parts.operations.load(operation.id))?.journal.state).toBe('finished');
    expect((await kit.parts.operations.openOf(uuid))?.id).toBe(second.id);
  });
});

describe('a commit', () => {
  it('writes what steps saved with what became of them, and inserts steps where they belong', async () => {
    const { uuid, reservation, draft, operation, isGiven } = await accepted();
    const begun = advance(operation.journal, { on: 'begin' });
    draft.put({ driver_internal_info: { found: 1 }, power_state: 'power on' });
    const insert = [{ ...step, name: 'inserted' }];
    const next = advance(begun.journal, { on: 'outcome', outcome: { is: 'done', insert } });
    const ended = moves.plan(draft.row, 'done', { actor: BY });
    const waits = { for: 'poll' as const, pollAfter: 50, fallback: null, timeout: 60_000 };
    const deadline = await writer.commit(
      { operation, draft, reservation },
      { journal: next.journal, wait: waits, moves: [ended], release: true },
    );
    expect(deadline).toBeCloseTo(60_000, -3);
    expect(isGiven()).toBe(true);
    expect(await stored(uuid)).toMatchObject({
      driver_internal_info: { found: 1 },
      power_state: 'power on',
      provision_state: 'manageable',
      reservation: null,
    });
    const { journal } = (await kit.parts.operations.load(operation.id))!;
    expect(journal.steps.map(({ name, state, attempt }) => [name, state, attempt])).toEqual([
      ['first', 'done', 1],
      ['inserted', 'running', 1],
      ['last', 'pending', 0],
    ]);
    expect(journal.cursor).toBe(1);
    expect(draft.changes).toEqual({});
  });

  it('keeps what a heartbeat wrote meanwhile, secrets included', async () => {
    const { uuid, reservation, draft, operation } = await accepted({ driver_internal_info: { old: 1 } });
    draft.put({ driver_internal_info: { old: 2, mine: true } });
    await kit.parts.nodes.edit(uuid, null, (clear) => ({
      driver_internal_info: { ...clear.driver_internal_info, agent_secret_token: 'canary', agent_url: 'u' },
    }));
    await writer.commit({ operation, draft, reservation }, { journal: operation.journal });
    const node = await stored(uuid);
    expect(kit.parts.nodes.withSecrets(node).driver_internal_info).toEqual({
      old: 2,
      mine: true,
      agent_secret_token: 'canary',
      agent_url: 'u',
    });
    expect(JSON.stringify(node.driver_internal_info)).not.toContain('canary');
  });

  it('writes nothing at all once the reservation went to another', async () => {
    const { uuid, reservation, draft, operation, isGiven } = await accepted({
      driver_internal_info: { old: 1 },
    });
    await database.source.query(`update node set reservation_epoch = reservation_epoch + 1`);
    const before = await stored(uuid);
    draft.put({ driver_internal_info: { old: 2 } });
    const { journal } = advance(operation.journal, { on: 'begin' });
    const entry = { moves: [moves.plan(draft.row, 'done', { actor: BY })], release: true };
    await expect(writer.commit({ operation, draft, reservation }, { journal, ...entry })).rejects.toThrow(
      ReservationLostError,
    );
    await expect(writer.checkpoint(reservation, operation.id, 0, 'x')).rejects.toThrow(ReservationLostError);
    await expect(
      writer.accept({ draft, reservation }, { work: null, superseding: 'Superseded.', ...entry }),
    ).rejects.toThrow(ReservationLostError);
    expect(isGiven()).toBe(false);
    expect(await stored(uuid)).toEqual(before);
    expect(await kit.states(uuid)).toEqual(['enroll', 'verifying']);
    const kept = await kit.parts.operations.load(operation.id);
    expect(kept?.journal).toMatchObject({
      state: 'running',
      steps: [{ state: 'pending' }, { state: 'pending' }],
    });
  });
});

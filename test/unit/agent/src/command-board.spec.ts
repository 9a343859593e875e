import { describe, expect, it, vi } from 'vitest';
import { type Command, CommandBoard } from '../../../../agent/src/command-board.js';
import {
  AgentError,
  imageChecksum,
  invalidCommandParams,
  versionMismatch,
} from '../../../../agent/src/error.js';

const silent = { say: () => undefined, detail: () => undefined };

function board(commands: Record<string, Command>) {
  const onEnded = vi.fn();
  return { board: new CommandBoard({ extensions: { test: commands }, log: silent, onEnded }), onEnded };
}

function held(): { command: Command; release: (result: string) => void; fail: (error: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { command: { kind: 'async', run: () => promise }, release: resolve, fail: reject };
}

async function refusal(work: Promise<unknown>): Promise<AgentError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AgentError)) throw new Error('not refused');
  return error;
}

describe('CommandBoard', () => {
  it('answers a synchronous command with its end', async () => {
    const { board: one, onEnded } = board({ now: { kind: 'sync', run: async () => ({ a: 1 }) } });
    expect(await one.execute('test.now', {})).toMatchObject({
      command_name: 'now',
      command_status: 'SUCCEEDED',
      command_error: null,
      command_result: { a: 1 },
    });
    expect(onEnded).not.toHaveBeenCalled();
  });

  it('runs an asynchronous one in the background and says when it ended', async () => {
    const { command, release } = held();
    const { board: one, onEnded } = board({ later: command });
    const record = await one.execute('test.later', {});
    expect(record.command_status).toBe('RUNNING');
    release('done');
    await one.join(record.id);
    expect(one.get(record.id)).toMatchObject({
      command_status: 'SUCCEEDED',
      command_result: { result: 'later: done' },
    });
    expect(onEnded).toHaveBeenCalledOnce();
    expect(one.list()).toHaveLength(1);
  });

  it('takes one at a time: 409 names the running one, also before an unknown one is refused', async () => {
    const { command, release } = held();
    const { board: one } = board({ later: command });
    const { id } = await one.execute('test.later', {});
    for (const name of ['test.later', 'nothing.there']) {
      expect((await refusal(one.execute(name, {}))).toWire()).toEqual({
        type: 'AgentIsBusy',
        code: 409,
        message: 'Agent is busy',
        details: 'executing command later',
      });
    }
    release('');
    await one.join(id);
    expect((await refusal(one.execute('nothing.there', {}))).status).toBe(404);
  });

  it.each([
    ['plain', 400, 'Invalid command: Command name must be of the form <extension>.<name>'],
    ['test.other', 400, 'Invalid command: Unknown command: other'],
    ['rescue.finalize_rescue', 404, 'Not found: Extension with id rescue not found.'],
    ['constructor.name', 404, 'Not found: Extension with id constructor not found.'],
    ['test.toString', 400, 'Invalid command: Unknown command: toString'],
  ])('refuses %s', async (name, status, message) => {
    const { board: one } = board({ now: { kind: 'sync', run: async () => null } });
    const error = await refusal(one.execute(name, {}));
    expect([error.status, error.message]).toEqual([status, message]);
    expect(one.list()).toEqual([]);
  });

  it('keeps no record of parameters that were refused', async () => {
    const validate = () => {
      throw invalidCommandParams('no');
    };
    const { board: one } = board({ now: { kind: 'async', validate, run: async () => null } });
    expect((await refusal(one.execute('test.now', {}))).status).toBe(400);
    expect(one.list()).toEqual([]);
  });

  it('records why a command failed', async () => {
    const { board: one } = board({
      known: {
        kind: 'async',
        run: async () => {
          throw imageChecksum('/dev/vda', 'id', 'aa', 'bb');
        },
      },
      unknown: {
        kind: 'sync',
        run: async () => {
          throw new TypeError('oops');
        },
      },
      mismatch: {
        kind: 'async',
        run: async () => {
          throw versionMismatch({ a: '1' }, { a: '2' });
        },
      },
    });
    const known = await one.join((await one.execute('test.known', {})).id);
    expect(known.command_error).toMatchObject({ type: 'ImageChecksumError', code: 500 });
    expect(await one.execute('test.unknown', {})).toMatchObject({
      command_name: 'test.unknown',
      command_status: 'FAILED',
      command_error: { type: 'CommandExecutionError', details: 'oops' },
      command_result: null,
    });
    const mismatch = await one.join((await one.execute('test.mismatch', {})).id);
    expect(mismatch.command_status).toBe('CLEAN_VERSION_MISMATCH');
  });

  it('shows progress while running and drops it at the end', async () => {
    let step: (value: object) => void = () => undefined;
    const gate = Promise.withResolvers<null>();
    const { board: one } = board({
      long: {
        kind: 'async',
        run: async (_params, context) => {
          step = (value) => context.progress(value as never);
          return gate.promise;
        },
      },
    });
    const { id } = await one.execute('test.long', {});
    step({ percent: 5 });
    expect(one.get(id).command_result).toEqual({ progress: { percent: 5 } });
    gate.resolve(null);
    await one.join(id);
    step({ percent: 6 });
    expect(one.get(id).command_result).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import {
  parseCommandList,
  parseCommandRecord,
  parseCommandRequest,
} from '../../../../src/protocol/agent/command.js';

const record = {
  id: 'i',
  command_name: 'execute_clean_step',
  command_status: 'RUNNING',
  command_error: null,
  command_result: null,
};

describe('parseCommandRequest', () => {
  it('wants a name and params', () => {
    expect(parseCommandRequest({ name: 'standby.sync', params: {} })).toEqual({
      name: 'standby.sync',
      params: {},
    });
    for (const body of [null, {}, { name: 'a' }, { name: 'a', params: [] }, { name: 1, params: {} }]) {
      expect(() => parseCommandRequest(body)).toThrow('Missing or invalid name or params');
    }
  });
});

describe('parseCommandRecord', () => {
  it('reads a failed command', () => {
    const error = { type: 'ImageChecksumError', code: 500, message: 'm', details: 'd' };
    expect(parseCommandRecord({ ...record, command_status: 'FAILED', command_error: error })).toMatchObject({
      command_status: 'FAILED',
      command_error: error,
    });
  });

  it('keeps the text of an error without a type', () => {
    const parsed = parseCommandRecord({
      ...record,
      command_status: 'FAILED',
      command_error: { error: 'why' },
    });
    expect(parsed.command_error).toEqual({ type: 'Unknown', code: 500, message: 'why', details: '' });
  });

  it('refuses another status and names the place in a list', () => {
    expect(() => parseCommandRecord({ ...record, command_status: 'DONE' })).toThrow(
      'command_status: must be one of',
    );
    expect(() => parseCommandList({ commands: [record, {}] })).toThrow('commands[1].command_status');
    expect(() => parseCommandList([])).toThrow('body: must be an object');
  });
});

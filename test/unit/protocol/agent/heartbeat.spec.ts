import { describe, expect, it } from 'vitest';
import {
  type HeartbeatBody,
  heartbeatFor,
  parseHeartbeatBody,
} from '../../../../src/protocol/agent/heartbeat.js';

const full: HeartbeatBody = {
  callback_url: 'https://192.0.2.7:9999',
  agent_version: '11.0.0',
  agent_token: 't',
  agent_verify_ca: 'PEM',
  agent_status: 'start',
  agent_status_message: 'm',
};

describe('heartbeatFor', () => {
  it.each([
    [22, ['callback_url']],
    [36, ['callback_url', 'agent_version']],
    [62, ['callback_url', 'agent_version', 'agent_token']],
    [68, ['callback_url', 'agent_version', 'agent_token', 'agent_verify_ca']],
    [72, Object.keys(full)],
  ])('1.%i sends only what that version knows', (minor, fields) => {
    expect(Object.keys(heartbeatFor(minor, full))).toEqual(fields);
  });
});

describe('parseHeartbeatBody', () => {
  it('reads its own output back', () => {
    expect(parseHeartbeatBody(JSON.parse(JSON.stringify(heartbeatFor(72, full))))).toEqual(full);
  });

  it.each([
    [{}, 'callback_url: must be a non-empty string'],
    [{ callback_url: 'x', agent_token: 7 }, 'agent_token: must be a string'],
    [{ callback_url: 'x', agent_status: 'done' }, 'agent_status: must be one of start, end, error'],
    [[], 'body: must be an object'],
  ])('refuses %j', (body, message) => {
    expect(() => parseHeartbeatBody(body)).toThrow(message);
  });
});

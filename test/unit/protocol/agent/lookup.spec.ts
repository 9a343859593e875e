import { describe, expect, it } from 'vitest';
import { parseLookupAnswer } from '../../../../src/protocol/agent/lookup.js';
import { MalformedBody } from '../../../../src/protocol/agent/malformed-body.js';

const node = {
  uuid: 'u',
  properties: { root_device: {} },
  instance_info: {},
  driver_internal_info: {},
  links: [],
};

describe('parseLookupAnswer', () => {
  it('keeps what the agent uses and passes over the rest', () => {
    const answer = parseLookupAnswer({
      node,
      config: {
        heartbeat_timeout: 300,
        agent_token: 'x'.repeat(43),
        agent_token_required: true,
        metrics: { backend: 'noop' },
        permitted_image_formats: 'raw, qcow2',
        a_newer_key: 1,
      },
    });
    expect(answer.node).toEqual({
      uuid: 'u',
      properties: { root_device: {} },
      instance_info: {},
      driver_internal_info: {},
    });
    expect(answer.config).toMatchObject({
      heartbeat_timeout: 300,
      agent_token_required: true,
      permitted_image_formats: ['raw', 'qcow2'],
    });
  });

  it('takes the timeout from the top, as conductors before 1.22 sent it', () => {
    expect(parseLookupAnswer({ node, heartbeat_timeout: 60 }).config.heartbeat_timeout).toBe(60);
  });

  it.each([
    [undefined, 'body: must be an object'],
    [{ node: { uuid: '' }, config: { heartbeat_timeout: 1 } }, 'node.uuid: must be a non-empty string'],
    [
      { node, config: { heartbeat_timeout: '300' } },
      'config.heartbeat_timeout: must be a number of seconds above zero',
    ],
    [{ node, config: { heartbeat_timeout: 300, agent_token: 1 } }, 'config.agent_token: must be a string'],
    [
      { node, config: { heartbeat_timeout: 300, permitted_image_formats: [1] } },
      'config.permitted_image_formats: must be a list of strings',
    ],
  ])('refuses %j', (body, message) => {
    expect(() => parseLookupAnswer(body)).toThrow(MalformedBody);
    expect(() => parseLookupAnswer(body)).toThrow(message);
  });
});

import { expect, it } from 'vitest';
import { encodeFetchRules, parseFetchRules } from '../../../../src/protocol/agent/fetch-rules.js';

const rules = {
  addresses: {
    allowedNetworks: ['127.0.0.0/8'],
    refusedNetworks: ['10.30.0.0/24'],
    ownEndpoints: [{ host: '10.20.0.1', port: 8080 }],
  },
  trusted: ['http://10.20.0.1:8080/agent_images/x'],
};

it('goes over the wire and back', () => {
  for (const sent of [rules, { ...rules, authorities: 'PEM' }]) {
    expect(parseFetchRules(JSON.parse(JSON.stringify(encodeFetchRules(sent))))).toEqual(sent);
  }
});

it.each([
  null,
  [],
  {},
  { ...encodeFetchRules(rules), endpoints: [{ host: 'x' }] },
  { ...encodeFetchRules(rules), refused_networks: 'all' },
  { ...encodeFetchRules(rules), trusted_urls: [5] },
  { ...encodeFetchRules(rules), authorities: ['PEM'] },
])('refuses what it does not understand: %j', (body) => {
  expect(() => parseFetchRules(body)).toThrow('ferric_fetch_rules');
});

import type { Ask } from './row.js';
import { ask } from './row.js';

/** Names of what the rows ask about. */
export const PARENT = 'parent';
export const CHILD = 'child';
export const HELD = 'held';
export const WAITING = 'waiting';
export const RUNNING = 'running';
export const MANAGED = 'managed';
export const PORT = 'd1ffe700-0000-4000-8000-000000000011';
export const GROUP = 'd1ffe700-0000-4000-8000-000000000012';
export const RULE = 'd1ffe700-0000-4000-8000-000000000013';
export const PARENT_UUID = 'd1ffe700-0000-4000-8000-000000000001';

/** What is asked before the rows, at the newest version; `until` waits for a node. */
export type Preparation = Ask | { until: string; state: string };

const node = (name: string, more: object = {}) =>
  ask('POST', '/v1/nodes', { driver: 'fake-hardware', name, ...more });
const verb = (name: string, target: string, more: object = {}) =>
  ask('PUT', `/v1/nodes/${name}/states/provision`, { target, ...more });
const until = (name: string, state: string): Preparation => ({ until: name, state });
const manageable = (name: string): Preparation[] => [verb(name, 'manage'), until(name, 'manageable')];
const available = (name: string): Preparation[] => [
  ...manageable(name),
  verb(name, 'provide'),
  until(name, 'available'),
];

export const PREPARATION: readonly Preparation[] = [
  node(PARENT, { uuid: PARENT_UUID }),
  node(CHILD, { parent_node: PARENT_UUID }),
  ask('POST', '/v1/ports', { uuid: PORT, node_uuid: PARENT_UUID, address: '52:54:00:00:00:01', name: 'eth' }),
  ask('POST', '/v1/portgroups', { uuid: GROUP, node_uuid: PARENT_UUID, name: 'bond' }),
  ask('POST', '/v1/runbooks', {
    name: 'CUSTOM_BOOK',
    steps: [{ interface: 'bios', step: 'factory_reset', args: {}, order: 1 }],
  }),
  ask('POST', '/v1/inspection_rules', { uuid: RULE, actions: [{ op: 'fail', args: { msg: 'no' } }] }),
  node(MANAGED),
  ask('PUT', `/v1/nodes/${MANAGED}/traits/CUSTOM_BOOK`),
  ask('PUT', '/v1/runbooks/CUSTOM_BOOK/traits', { traits: ['CUSTOM_BOOK'] }),
  ...manageable(MANAGED),
  verb(MANAGED, 'clean', {
    clean_steps: [
      {
        interface: 'firmware',
        step: 'update',
        args: { settings: [{ component: 'bmc', url: 'http://x/1' }] },
      },
    ],
  }),
  until(MANAGED, 'manageable'),
  node(RUNNING),
  ...available(RUNNING),
  verb(RUNNING, 'active'),
  until(RUNNING, 'active'),
  node(HELD),
  ...available(HELD),
  verb(HELD, 'active', { deploy_steps: [{ interface: 'deploy', step: 'hold', args: {}, priority: 99 }] }),
  until(HELD, 'deploy hold'),
  node(WAITING, { driver_info: { fake_delay_write_image: 600 } }),
  ...available(WAITING),
  verb(WAITING, 'active'),
  until(WAITING, 'wait call-back'),
];

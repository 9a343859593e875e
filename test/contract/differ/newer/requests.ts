import { CHILD, HELD, MANAGED, PARENT, PARENT_UUID, RULE, RUNNING, WAITING } from './machine.js';
import { type Ask, ask, is, type Newer, type Seen } from './row.js';

const NODE = 'controllers/v1/node.py';
const RESET = { interface: 'bios', step: 'factory_reset' };

/** A route that is not there before. */
function route(
  since: number,
  method: string,
  path: string,
  asked: Ask,
  from: Seen,
  more: Partial<Newer> = {},
): Newer {
  return {
    since,
    kind: 'route',
    name: `${method} ${path}`,
    source: 'controllers/v1/versions.py',
    ask: asked,
    before: is(404),
    from,
    documented: { path, method: method.toLowerCase() },
    ...more,
  };
}

/** Below a resource that the version does not have, what is not a GET is 405 (runbook.py, _route). */
const NO_METHOD = { before: is(405) };
const BOOK = { name: 'CUSTOM_B2', steps: [{ ...RESET, args: {}, order: 1 }] };
const RUNBOOKS = '/v1/runbooks';
const RULES = '/v1/inspection_rules';
const ROUTES: readonly Newer[] = [
  route(
    83,
    'GET',
    '/v1/nodes/{ident}/children',
    ask('GET', `/v1/nodes/${PARENT}/children`),
    is(200, { has: 'children[0]' }),
  ),
  route(
    86,
    'GET',
    '/v1/nodes/{ident}/firmware',
    ask('GET', `/v1/nodes/${MANAGED}/firmware`),
    is(200, { has: 'firmware[0].component' }),
  ),
  route(
    89,
    'POST',
    '/v1/nodes/{ident}/vmedia',
    ask('POST', `/v1/nodes/${PARENT}/vmedia`, { device_type: 'cdrom', image_url: 'http://x/y' }),
    is(204),
  ),
  route(89, 'DELETE', '/v1/nodes/{ident}/vmedia', ask('DELETE', `/v1/nodes/${PARENT}/vmedia`), is(204)),
  route(
    93,
    'GET',
    '/v1/nodes/{ident}/vmedia',
    ask('GET', `/v1/nodes/${PARENT}/vmedia`),
    is(200, { has: '[0].media_types' }),
  ),
  route(92, 'GET', RUNBOOKS, ask('GET', RUNBOOKS), is(200, { has: 'runbooks[0].name' })),
  route(
    92,
    'GET',
    `${RUNBOOKS}/{ident}`,
    ask('GET', `${RUNBOOKS}/CUSTOM_BOOK`),
    is(200, { has: 'steps[0].order' }),
  ),
  route(92, 'POST', RUNBOOKS, ask('POST', RUNBOOKS, BOOK), is(201), NO_METHOD),
  route(
    92,
    'PATCH',
    `${RUNBOOKS}/{ident}`,
    ask('PATCH', `${RUNBOOKS}/CUSTOM_B2`, [{ op: 'add', path: '/extra', value: {} }]),
    is(200),
    NO_METHOD,
  ),
  route(92, 'DELETE', `${RUNBOOKS}/{ident}`, ask('DELETE', `${RUNBOOKS}/CUSTOM_B2`), is(204), NO_METHOD),
  route(
    112,
    'GET',
    `${RUNBOOKS}/{ident}/traits`,
    ask('GET', `${RUNBOOKS}/CUSTOM_BOOK/traits`),
    is(200, { has: 'traits[0]' }),
  ),
  route(
    112,
    'PUT',
    `${RUNBOOKS}/{ident}/traits`,
    ask('PUT', `${RUNBOOKS}/CUSTOM_BOOK/traits`, { traits: ['CUSTOM_BOOK'] }),
    is(204),
  ),
  route(
    112,
    'PUT',
    `${RUNBOOKS}/{ident}/traits/{trait}`,
    ask('PUT', `${RUNBOOKS}/CUSTOM_BOOK/traits/CUSTOM_X`),
    is(204),
  ),
  route(
    112,
    'DELETE',
    `${RUNBOOKS}/{ident}/traits/{trait}`,
    ask('DELETE', `${RUNBOOKS}/CUSTOM_BOOK/traits/CUSTOM_X`),
    is(204),
  ),
  route(96, 'GET', RULES, ask('GET', RULES), is(200, { has: 'inspection_rules[0].uuid' })),
  route(96, 'GET', `${RULES}/{uuid}`, ask('GET', `${RULES}/${RULE}`), is(200, { has: 'actions[0].op' })),
  route(
    96,
    'POST',
    RULES,
    ask('POST', RULES, { actions: [{ op: 'fail', args: { msg: 'x' } }] }),
    is(201),
    NO_METHOD,
  ),

  route(
    96,
    'PATCH',
    `${RULES}/{uuid}`,
    ask('PATCH', `${RULES}/${RULE}`, [{ op: 'add', path: '/priority', value: 5 }]),
    is(200),
    NO_METHOD,
  ),

  route(96, 'DELETE', `${RULES}/{uuid}`, ask('DELETE', `${RULES}/${RULE}`), is(204), NO_METHOD),

  route(96, 'DELETE', RULES, ask('DELETE', RULES), is(204), NO_METHOD),
];

const LINKS: readonly Newer[] = (
  [
    [84, 'continue_inspection'],
    [92, 'runbooks'],
    [96, 'inspection_rules'],
  ] as const
).map(([since, name]) => ({
  since,
  kind: 'behaviour',
  name: `link to ${name} in the root`,
  source: 'controllers/v1/__init__.py, VERSIONED_CONTROLLERS',
  ask: ask('GET', '/v1'),
  before: is(200, { lacks: name }),
  from: is(200, { has: name }),
}));

function filter(since: number, path: string, name: string, value: string, source: string): Newer {
  return {
    since,
    kind: 'filter',
    name: `${name} of ${path}`,
    source,
    ask: ask('GET', `${path}?${name}=${value}`),
    before: is(406),
    from: is(200),
    documented: { path, method: 'get', query: name },
  };
}

const FILTERS: readonly Newer[] = [
  filter(83, '/v1/nodes', 'parent_node', PARENT_UUID, 'utils.py, check_allow_child_node_params'),
  filter(83, '/v1/nodes', 'include_children', 'true', 'utils.py, check_allow_child_node_params'),
  filter(83, '/v1/nodes/detail', 'parent_node', PARENT_UUID, 'utils.py, check_allow_child_node_params'),
  filter(104, '/v1/nodes', 'instance_name', 'vm', 'utils.py, check_allow_filter_by_instance_name'),
  filter(106, '/v1/portgroups', 'shard', 'x', 'utils.py, check_allow_portgroup_filter_by_shard'),
  filter(106, '/v1/portgroups/detail', 'shard', 'x', 'utils.py, check_allow_portgroup_filter_by_shard'),
];

const provision = (node: string, body: object) => ask('PUT', `/v1/nodes/${node}/states/provision`, body);
const VERBS: readonly Newer[] = [
  {
    since: 85,
    kind: 'verb',
    name: 'unhold',
    source: `${NODE}, allow_unhold_verb`,
    ask: provision(HELD, { target: 'unhold' }),
    before: is(406),
    from: is(202),
  },
  {
    since: 87,
    kind: 'verb',
    name: 'service',
    source: `${NODE}, allow_service_verb`,
    ask: provision(RUNNING, { target: 'service', service_steps: [RESET] }),
    before: is(406),
    from: is(202),
  },
  {
    since: 87,
    kind: 'verb',
    name: 'service of a node whose state has none',
    source: `${NODE}: the state is looked at before the version`,
    ask: provision(PARENT, { target: 'service', service_steps: [RESET] }),
    before: is(400),
    from: is(400),
  },
  {
    since: 85,
    kind: 'verb',
    name: 'unhold of a node that is not held',
    source: `${NODE}: the state is looked at before the version`,
    ask: provision(PARENT, { target: 'unhold' }),
    before: is(400),
    from: is(400),
  },
  {
    since: 110,
    kind: 'verb',
    name: 'abort of a deployment that waits',
    source: `${NODE}, allow_deploy_abort`,
    ask: provision(WAITING, { target: 'abort' }),
    before: is(406),
    from: is(202),
  },
];

const ARGUMENTS: readonly Newer[] = [
  {
    since: 92,
    kind: 'argument',
    name: 'runbook of provision',
    source: `${NODE}, allow_runbooks`,
    ask: provision(MANAGED, { target: 'clean', runbook: 'CUSTOM_BOOK' }),
    before: is(406),
    from: is(202),
  },
  {
    since: 94,
    kind: 'argument',
    name: 'node_ident of a new port',
    source: 'controllers/v1/port.py, allow_node_ident_as_param_for_port_creation',
    ask: ask('POST', '/v1/ports', { node_ident: PARENT, address: '52:54:00:00:02:01' }),
    before: is(406),
    from: is(201),
  },
  {
    since: 108,
    kind: 'argument',
    name: 'disable_ramdisk of service',
    source: 'controllers/v1/utils.py, check_allow_disable_ramdisk',
    ask: provision(RUNNING, { target: 'service', service_steps: [RESET], disable_ramdisk: true }),
    before: is(406),
    from: is(202),
  },
];

const VTEP = { 'vtep-logical-switch': 's', 'vtep-physical-switch': 'p', port_id: '1' };
const BEHAVIOURS: readonly Newer[] = [
  {
    since: 88,
    kind: 'behaviour',
    name: 'a port goes by its name',
    source: 'controllers/v1/utils.py, get_rpc_port_with_suffix',
    ask: ask('GET', '/v1/ports/eth9'),
    before: is(400),
    from: is(200),
  },
  {
    since: 90,
    kind: 'behaviour',
    name: 'a VTEP switch in local_link_connection',
    source: 'controllers/v1/utils.py, allow_ovn_vtep_version',
    ask: ask('POST', '/v1/ports', {
      node_uuid: PARENT_UUID,
      address: '52:54:00:00:02:02',
      local_link_connection: VTEP,
    }),
    before: is(406),
    from: is(201),
  },
  {
    since: 105,
    kind: 'behaviour',
    name: 'no VTEP switch in local_link_connection any more',
    source: 'controllers/v1/utils.py, allow_ovn_vtep_version',
    ask: ask('POST', '/v1/ports', {
      node_uuid: PARENT_UUID,
      address: '52:54:00:00:02:03',
      local_link_connection: VTEP,
    }),
    before: is(201),
    from: is(406),
  },
  {
    since: 91,
    kind: 'behaviour',
    name: 'a suffix .json is part of the name',
    source: 'controllers/v1/utils.py, object_from_ident with suffix',
    ask: ask('GET', `/v1/nodes/${CHILD}.json`),
    before: is(200),
    from: is(404),
  },
  {
    since: 98,
    kind: 'behaviour',
    name: '~0 and ~1 in a path of a patch',
    source: 'controllers/v1/utils.py, allow_special_characters_in_patch_fields',
    ask: ask('PATCH', `/v1/nodes/${CHILD}`, [{ op: 'add', path: '/extra/a~1b~0c', value: 1 }]),
    before: is(400),
    from: is(200, { has: 'extra["a/b~c"]' }),
  },
  {
    since: 107,
    kind: 'behaviour',
    name: 'X-OpenStack-Request-Id in the answer',
    source: 'controllers/v1/versions.py',
    ask: ask('GET', '/v1/nodes'),
    before: is(200, { noHeader: 'x-openstack-request-id' }),
    from: is(200, { header: 'x-openstack-request-id' }),
  },
  {
    since: 112,
    kind: 'behaviour',
    name: 'a runbook whose name is no trait',
    source: 'controllers/v1/runbook.py, RUNBOOK_SCHEMA_V112',
    ask: ask('POST', RUNBOOKS, { ...BOOK, name: 'any-name' }),
    before: is(400),
    from: is(201),
  },
  {
    since: 112,
    kind: 'argument',
    name: 'description of a new runbook',
    source: 'controllers/v1/runbook.py, RUNBOOK_SCHEMA_V112',
    ask: ask('POST', RUNBOOKS, { ...BOOK, name: 'CUSTOM_B3', description: 'x' }),
    before: is(400),
    from: is(201, { has: 'description' }),
  },
];

export const REQUESTS: readonly Newer[] = [
  ...FILTERS,
  ...VERBS,
  ...ARGUMENTS,
  ...BEHAVIOURS,
  ...LINKS,
  ...ROUTES,
];

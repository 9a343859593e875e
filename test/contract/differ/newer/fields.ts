import { GROUP, MANAGED, PARENT, PARENT_UUID, PORT } from './machine.js';
import { ask, is, type Newer } from './row.js';

const UTILS = 'controllers/v1/utils.py, VERSIONED_FIELDS';
const PORTS = 'controllers/v1/port.py, hide_fields_in_newer_versions and _check_allowed_port_fields';
const GROUPS = 'controllers/v1/portgroup.py, hide_fields_in_newer_versions';

interface Told {
  /** What may be written; left out where only Ironic writes it. */
  value?: unknown;
  /** Whether a list can be sorted by it. */
  sorts?: boolean;
}

/** A field of the node: hidden before, and whoever names it is refused with 406. */
function ofNode(since: number, name: string, { value, sorts = true }: Told): Newer[] {
  const row = (suffix: string, more: Pick<Newer, 'ask' | 'before' | 'from'>): Newer => ({
    since,
    kind: 'field',
    name: `${name} of nodes${suffix}`,
    source: UTILS,
    ...more,
  });
  return [
    {
      ...row('', {
        ask: ask('GET', `/v1/nodes/${PARENT}`),
        before: is(200, { lacks: name }),
        from: is(200, { has: name }),
      }),
      documented: { schema: 'Node', field: name },
    },
    row(', asked for', {
      ask: ask('GET', `/v1/nodes/${PARENT}?fields=${name}`),
      before: is(406),
      from: is(200, { has: name }),
    }),
    row(', asked for in a list', {
      ask: ask('GET', `/v1/nodes?fields=${name}`),
      before: is(406),
      from: is(200, { has: `nodes[0].${name}` }),
    }),
    ...(sorts
      ? [
          row(', sorted by', {
            ask: ask('GET', `/v1/nodes?sort_key=${name}`),
            before: is(406),
            from: is(200),
          }),
        ]
      : []),
    ...(value === undefined
      ? []
      : [
          row(', edited', {
            ask: ask('PATCH', `/v1/nodes/${PARENT}`, [{ op: 'add', path: `/${name}`, value }]),
            before: is(406),
            from: is(200, { has: name }),
          }),
          row(', created', {
            ask: ask('POST', '/v1/nodes', { driver: 'fake-hardware', [name]: value }),
            before: is(406),
            from: is(201, { has: name }),
          }),
        ]),
  ];
}

let address = 16;
/** A field of the port: hidden before, and whoever names it is refused with 406. */
function ofPort(since: number, name: string, value: unknown): Newer[] {
  const row = (suffix: string, more: Pick<Newer, 'ask' | 'before' | 'from'>): Newer => ({
    since,
    kind: 'field',
    name: `${name} of ports${suffix}`,
    source: PORTS,
    ...more,
  });
  const created = name === 'name' ? 'eth10' : value;
  const body = { node_uuid: PARENT_UUID, address: `52:54:00:00:01:${address++}`, [name]: created };
  return [
    {
      ...row('', {
        ask: ask('GET', `/v1/ports/${PORT}`),
        before: is(200, { lacks: name }),
        from: is(200, { has: name }),
      }),
      documented: { schema: 'Port', field: name },
    },
    row(', asked for', {
      ask: ask('GET', `/v1/ports/${PORT}?fields=${name}`),
      before: is(406),
      from: is(200, { has: name }),
    }),
    row(', sorted by', { ask: ask('GET', `/v1/ports?sort_key=${name}`), before: is(406), from: is(200) }),
    row(', edited', {
      ask: ask('PATCH', `/v1/ports/${PORT}`, [{ op: 'add', path: `/${name}`, value }]),
      before: is(406),
      from: is(200, { has: name }),
    }),
    row(', created', { ask: ask('POST', '/v1/ports', body), before: is(406), from: is(201, { has: name }) }),
  ];
}

/** A field of the port group: hidden before. */
function ofGroup(since: number, name: string): Newer[] {
  return [
    {
      since,
      kind: 'field',
      name: `${name} of port groups`,
      source: GROUPS,
      ask: ask('GET', `/v1/portgroups/${GROUP}`),
      before: is(200, { lacks: name }),
      from: is(200, { has: name }),
      documented: { schema: 'Portgroup', field: name },
    },
  ];
}

const HISTORY = 'controllers/v1/node.py, _history_event_convert_with_links';
function ofHistory(since: number, name: string): Newer {
  return {
    since,
    kind: 'field',
    name: `${name} of history`,
    source: HISTORY,
    ask: ask('GET', `/v1/nodes/${MANAGED}/history?detail=true`),
    before: is(200, { lacks: `history[0].${name}` }),
    from: is(200, { has: `history[0].${name}` }),
  };
}

function ofFirmware(name: string): Newer[] {
  const about = {
    since: 114,
    kind: 'field',
    source: 'controllers/v1/firmware.py, _IDENTITY_FIELDS',
  } as const;
  return [
    {
      ...about,
      name: `${name} of firmware`,
      ask: ask('GET', `/v1/nodes/${MANAGED}/firmware`),
      before: is(200, { lacks: `firmware[0].${name}` }),
      from: is(200, { has: `firmware[0].${name}` }),
    },
    {
      ...about,
      name: `${name} of firmware, asked for`,
      ask: ask('GET', `/v1/nodes/${MANAGED}/firmware?fields=${name}`),
      before: is(400),
      from: is(200, { has: `firmware[0].${name}` }),
    },
  ];
}

export const FIELDS: readonly Newer[] = [
  ...ofNode(83, 'parent_node', { value: PARENT_UUID }).filter(({ name }) => !name.endsWith('edited')),
  ...ofNode(86, 'firmware_interface', { value: 'fake' }),
  ...ofNode(87, 'service_step', { sorts: false }),
  ...ofNode(95, 'disable_power_off', { value: true }),
  ...ofNode(104, 'instance_name', { value: 'vm' }).filter(({ name }) => !name.endsWith('created')),
  ...ofNode(109, 'health', {}),
  ...ofPort(88, 'name', 'eth9'),
  ...ofPort(97, 'description', 'left'),
  ...ofPort(100, 'vendor', 'acme'),
  ...ofPort(101, 'category', 'fast'),
  ...ofPort(111, 'available_for_dynamic_portgroup', true),
  ...ofGroup(102, 'physical_network'),
  ...ofGroup(103, 'category'),
  ...ofGroup(111, 'dynamic_portgroup'),
  ofHistory(113, 'project'),
  ofHistory(115, 'state'),
  ofHistory(115, 'target_provision_state'),
  ofHistory(115, 'duration_seconds'),
  ...['vendor', 'model', 'serial_number'].flatMap(ofFirmware),
  ...(['description', 'traits'] as const).map(
    (name): Newer => ({
      since: 112,
      kind: 'field',
      name: `${name} of runbooks`,
      source: 'controllers/v1/runbook.py, convert_with_links',
      ask: ask('GET', '/v1/runbooks/CUSTOM_BOOK'),
      before: is(200, { lacks: name }),
      from: is(200, { has: name }),
      documented: { schema: 'Runbook', field: name },
    }),
  ),
];

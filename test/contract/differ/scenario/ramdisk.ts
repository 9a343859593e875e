import {
  add,
  available,
  get,
  manageable,
  NOBODY,
  patch,
  post,
  put,
  remove,
  type Scenario,
  settled,
  uuid,
  type Version,
} from '../scenario.js';

const ONE = uuid(1);
const NODE = `/v1/nodes/${ONE}`;
const PROVISION = `${NODE}/states/provision`;
const MAC = '52:54:00:00:00:01';
/** The deploy interface that waits for a ramdisk; power and boot stay fake. */
const create = post('/v1/nodes', {
  driver: 'fake-hardware',
  uuid: ONE,
  name: 'one',
  deploy_interface: 'direct',
});
const port = post('/v1/ports', { node_uuid: ONE, address: MAC });
const CALLBACK = 'http://127.0.0.1:1/';
const lookup = (query: string, at: Version | readonly Version[] = 82) => ({
  ...get(`/v1/lookup${query}`, { at, save: { token: 'config.agent_token' } }),
  agent: true,
});
const look = (query: string, at: Version | readonly Version[] = 82) => ({
  ...get(`/v1/lookup${query}`, { at }),
  agent: true,
});
const heartbeat = (body: unknown, at: Version | readonly Version[] = 82, node = ONE) => ({
  ...post(`/v1/heartbeat/${node}`, body, { at }),
  agent: true,
});
const beat = (body: object) => ({ callback_url: CALLBACK, agent_token: '{token}', ...body });

export const RAMDISK: readonly Scenario[] = [
  {
    name: 'lookup and heartbeat',
    steps: [
      look('', [21, 22, 82]),
      look('?addresses='),
      look('?addresses=nosuch'),
      look(`?addresses=${MAC}`, [21, 22, 82]),
      look('?node_uuid=nosuch'),
      look(`?node_uuid=${NOBODY}`),
      look('?nosuch=1'),
      create,
      port,
      look(`?addresses=${MAC}`),
      look(`?node_uuid=${ONE}`),
      heartbeat({}, [21, 22, 82]),
      heartbeat({ callback_url: CALLBACK }, [21, 22, 61, 62, 82]),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x' }),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', agent_version: '1.0' }, [35, 36]),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', agent_verify_ca: 'x' }, [67]),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', agent_status: 'start' }, [71]),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', agent_status_message: 'x' }, [71]),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', agent_status: 'nosuch' }),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x', nosuch: 1 }),
      heartbeat({ callback_url: 5, agent_token: 'x' }),
      heartbeat([]),
      heartbeat(undefined),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x' }, 82, NOBODY),
      heartbeat({ callback_url: CALLBACK, agent_token: 'x' }, 82, 'nosuch'),
      { ...get(`/v1/heartbeat/${ONE}`), agent: true },
      { ...post('/v1/lookup', {}), agent: true },
    ],
  },
  {
    name: 'a ramdisk that cleans',
    steps: [
      create,
      port,
      ...manageable(ONE),
      put(PROVISION, { target: 'provide' }),
      settled(ONE, 'clean wait'),
      get(`${NODE}/states`),
      put(PROVISION, { target: 'provide' }),
      put(PROVISION, { target: 'active' }),
      put(`${NODE}/states/power`, { target: 'power off' }),
      patch(NODE, [add('/extra/a', 1)]),
      remove(NODE),
      look(`?addresses=${MAC}`, [22, 61]),
      lookup(`?addresses=${MAC},52:54:00:00:00:99`),
      look(`?addresses=${MAC}`, [22, 82]),
      look(`?node_uuid=${ONE}&addresses=52:54:00:00:00:99`),
      look(`?addresses=52:54:00:00:00:99`),
      heartbeat(beat({ agent_token: 'x'.repeat(43), agent_version: '9.0.0' })),
      heartbeat(beat({})),
      heartbeat({ callback_url: CALLBACK }),
      put(PROVISION, { target: 'abort' }, { at: 12 }),
      put(`${NODE}/maintenance`, {}),
      // An agent that cannot be reached: Debian's gives up at once, ours waits for the next heartbeat.
      heartbeat(beat({ agent_version: '9.0.0' })),
    ],
  },
  {
    name: 'abort of cleaning',
    steps: [
      create,
      ...manageable(ONE),
      put(PROVISION, { target: 'provide' }),
      settled(ONE, 'clean wait'),
      put(PROVISION, { target: 'abort' }, { at: 12 }),
      put(PROVISION, { target: 'abort' }, { at: 13 }),
      settled(ONE, 'clean failed'),
      get(`${NODE}/states`),
      put(PROVISION, { target: 'abort' }),
      patch(NODE, [{ op: 'replace', path: '/deploy_interface', value: 'fake' }]),
      put(`${NODE}/maintenance`, {}),
      patch(NODE, [{ op: 'replace', path: '/deploy_interface', value: 'fake' }]),
      remove(`${NODE}/maintenance`),
      ...available(ONE),
    ],
  },
];

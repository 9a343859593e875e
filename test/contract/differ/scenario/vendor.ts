import { get, NOBODY, patch, post, put, remove, replace, type Scenario, settled, uuid } from '../scenario.js';

const ONE = uuid(1);
const NODE = `/v1/nodes/${ONE}`;
const VENDOR = `${NODE}/vendor_passthru`;
const DRIVER = '/v1/drivers/fake-hardware/vendor_passthru';
const create = post('/v1/nodes', { driver: 'fake-hardware', uuid: ONE, name: 'one' });
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const TIGHT = { bar: 'meow' };

export const VENDOR_SCENARIOS: readonly Scenario[] = [
  {
    name: 'vendor methods of a node',
    steps: [
      create,
      get(`${VENDOR}/methods`, { at: [1, 82] }),
      get('/v1/nodes/one/vendor_passthru/methods', { at: [4, 5] }),
      get(`/v1/nodes/${NOBODY}/vendor_passthru/methods`),
      post(`${VENDOR}/third_method_sync`, TIGHT, { at: [1, 82] }),
      post(`${VENDOR}?method=third_method_sync`, TIGHT),
      post(`${VENDOR}/third_method_sync`, { bar: 'other' }),
      post(`${VENDOR}/third_method_sync`, {}),
      post(`${VENDOR}/third_method_sync`, undefined),
      post(`${VENDOR}/third_method_sync`, { bar: 'meow', nosuch: 1 }),
      post(`${VENDOR}/third_method_sync`, []),
      post(`${VENDOR}/second_method`, { bar: 'kazoo' }),
      settled(ONE, 'enroll'),
      post(`${VENDOR}/second_method`, {}),
      post(`${VENDOR}/fourth_method_shared_lock`, { bar: 'woof' }),
      settled(ONE, 'enroll'),
      post(`${VENDOR}/first_method`, { bar: 'baz' }),
      settled(ONE, 'enroll'),
      post(`${VENDOR}/nosuch`, {}),
      post(`${VENDOR}?method=nosuch`, {}),
      post(`${VENDOR}?method=`, {}),
      post(VENDOR, {}),
      post(VENDOR, undefined),
      get(VENDOR),
      post('/v1/nodes/one/vendor_passthru/third_method_sync', TIGHT, { at: [4, 5] }),
      post(`/v1/nodes/${NOBODY}/vendor_passthru/third_method_sync`, TIGHT),
      ...METHODS.filter((method) => method !== 'POST').flatMap((method) => [
        { method, path: `${VENDOR}/third_method_sync`, at: [82] },
        { method, path: `${VENDOR}?method=third_method_sync`, at: [82] },
        { method, path: `${VENDOR}/nosuch`, at: [82] },
      ]),
      patch(NODE, [replace('/vendor_interface', 'no-vendor')]),
      post(`${VENDOR}/third_method_sync`, TIGHT),
    ],
  },
  {
    name: 'vendor methods of a driver',
    steps: [
      get(`${DRIVER}/methods`, { at: [1, 82] }),
      get('/v1/drivers/nosuch/vendor_passthru/methods'),
      ...METHODS.map((method) => ({ method, path: `${DRIVER}/nosuch`, at: [82] })),
      ...METHODS.map((method) => ({ method, path: `${DRIVER}?method=nosuch`, at: [82] })),
      post(`${DRIVER}/nosuch`, { a: 1 }),
      post(DRIVER, {}),
      post('/v1/drivers/nosuch/vendor_passthru/nosuch', {}),
      put(`${DRIVER}/nosuch`, []),
      remove(DRIVER),
    ],
  },
];

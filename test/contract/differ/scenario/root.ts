import { EVERY, get, post, put, remove, type Scenario } from '../scenario.js';

const STANDARD = 'openstack-api-version';

export const ROOT: readonly Scenario[] = [
  {
    name: 'roots',
    steps: [
      get('/', { at: [null, 1, 40, 82, 'latest', '1.83', '1.0', 'abc'] }),
      get('/v1', { at: [null, ...EVERY, 'latest', '1.0', 'abc'] }),
      get('/v1/', { at: 82 }),
      ...['POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) => [
        { method, path: '/', at: [82] },
        { method, path: '/v1', at: [82] },
      ]),
      get('/nosuch'),
      get('/v1/nosuch'),
      get('/v2'),
      get('/v1/nodes/'),
      get('/nodes'),
      get('/v1/nodes.json'),
      get('/v1//nodes'),
    ],
  },
  {
    name: 'negotiation',
    steps: [
      get('/v1/nodes', {
        at: [
          null,
          'latest',
          '1.1',
          '1.0',
          '1.999',
          '2.1',
          '0.5',
          'abc',
          '1',
          '1.',
          '1.5.6',
          '-1.5',
          '1.a',
          ' 1.5 ',
          '',
        ],
      }),
      get('/v1/nosuch', { at: ['1.999', 'abc', null] }),
    ],
  },
  {
    name: 'standard version header',
    steps: [
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'baremetal 1.50' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'baremetal latest' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'baremetal 1.999' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'baremetal abc' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'compute 2.50' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: 'compute 2.50, baremetal 1.40' } }),
      get('/v1/nodes', { at: null, headers: { [STANDARD]: '1.40' } }),
      get('/v1/nodes', { at: '1.30', headers: { [STANDARD]: 'baremetal 1.40' } }),
    ],
  },
  {
    name: 'methods',
    steps: [
      ...['/v1/nodes', '/v1/ports', '/v1/drivers', '/v1/conductors'].flatMap((path) => [
        put(path, {}),
        remove(path),
        { method: 'PATCH', path, body: [], at: [82] },
      ]),
      post('/v1/drivers', {}),
      post('/v1/conductors', {}),
      post('/v1/nodes/detail', {}),
      remove('/v1/drivers/fake-hardware'),
      remove('/v1/conductors/localhost'),
    ],
  },
];

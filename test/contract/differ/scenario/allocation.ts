import { around, drop, get, NOBODY, patch, post, remove, replace, type Scenario, uuid } from '../scenario.js';

const ONE = uuid(1);
const create = (body: unknown) => post('/v1/allocations', body);
const STEPS = [{ interface: 'deploy', step: 'write_image', args: {}, priority: 80 }];

export const ALLOCATION: readonly Scenario[] = [
  {
    name: 'allocation requests',
    steps: [
      get('/v1/allocations', { at: around(52) }),
      post('/v1/allocations', { resource_class: 'gold' }, { at: 51 }),
      create({}),
      create({ resource_class: null }),
      create({ resource_class: 5 }),
      create({ resource_class: 'x'.repeat(81) }),
      create({ resource_class: 'gold', nosuch: 1 }),
      create({ resource_class: 'gold', name: 'bad name' }),
      create({ resource_class: 'gold', traits: ['nosuch'] }),
      create({ resource_class: 'gold', candidate_nodes: ['nosuch'] }),
      create({ resource_class: 'gold', candidate_nodes: [NOBODY] }),
      create({ resource_class: 'gold', uuid: 'nosuch' }),
      get(`/v1/allocations/${NOBODY}`),
      get('/v1/allocations/nosuch'),
      get('/v1/allocations?limit=0'),
      get('/v1/allocations?fields=nosuch'),
      get('/v1/allocations?nosuch=1'),
      get('/v1/allocations?sort_key=nosuch'),
      get('/v1/allocations?node=nosuch'),
      patch(`/v1/allocations/${NOBODY}`, [replace('/name', 'x')], { at: around(57) }),
      remove(`/v1/allocations/${NOBODY}`),
      post('/v1/nodes', { driver: 'fake-hardware', uuid: ONE }),
      get(`/v1/nodes/${ONE}/allocation`, { at: around(52) }),
    ],
  },
  {
    name: 'deploy templates',
    steps: [
      get('/v1/deploy_templates', { at: around(55) }),
      post('/v1/deploy_templates', { uuid: uuid(41), name: 'CUSTOM_T1', steps: STEPS, extra: { a: 1 } }),
      get(`/v1/deploy_templates/${uuid(41)}`, { at: around(55) }),
      get('/v1/deploy_templates/CUSTOM_T1'),
      get('/v1/deploy_templates?detail=true'),
      get('/v1/deploy_templates?fields=name,steps'),
      get('/v1/deploy_templates?fields=nosuch'),
      get('/v1/deploy_templates?limit=1'),
      post('/v1/deploy_templates', { name: 'CUSTOM_T1', steps: STEPS }),
      post('/v1/deploy_templates', { name: 'nosuch', steps: STEPS }),
      post('/v1/deploy_templates', { name: 'CUSTOM_T2' }),
      post('/v1/deploy_templates', { name: 'CUSTOM_T2', steps: [] }),
      post('/v1/deploy_templates', { name: 'CUSTOM_T2', steps: [{}] }),
      patch('/v1/deploy_templates/CUSTOM_T1', [replace('/name', 'CUSTOM_T3')]),
      patch('/v1/deploy_templates/CUSTOM_T3', [drop('/name')]),
      patch('/v1/deploy_templates/CUSTOM_T3', [replace('/nosuch', 1)]),
      get('/v1/deploy_templates/nosuch'),
      get(`/v1/deploy_templates/${NOBODY}`),
      remove('/v1/deploy_templates/CUSTOM_T3'),
      remove('/v1/deploy_templates/CUSTOM_T3'),
    ],
  },
];

import { around, get, NOBODY, post, put, remove, type Scenario, uuid } from '../scenario.js';

const ONE = uuid(1);
const TRAITS = `/v1/nodes/${ONE}/traits`;
const VIFS = `/v1/nodes/${ONE}/vifs`;
const node = post('/v1/nodes', { driver: 'fake-hardware', uuid: ONE, name: 'one' });

export const TRAIT: readonly Scenario[] = [
  {
    name: 'traits',
    steps: [
      node,
      get(TRAITS, { at: around(37) }),
      put(TRAITS, { traits: ['CUSTOM_A', 'HW_CPU_X86_VMX'] }),
      get(TRAITS),
      get(`/v1/nodes/${ONE}?fields=traits`, { at: around(37) }),
      put(`${TRAITS}/CUSTOM_B`, undefined, { at: around(37) }),
      put(`${TRAITS}/CUSTOM_B`, undefined),
      put(`${TRAITS}/nosuch`, undefined),
      put(TRAITS, { traits: ['nosuch'] }),
      put(TRAITS, { traits: 'CUSTOM_A' }),
      put(TRAITS, {}),
      put(TRAITS, { nosuch: 1 }),
      remove(`${TRAITS}/CUSTOM_B`),
      remove(`${TRAITS}/CUSTOM_B`),
      get(TRAITS),
      remove(TRAITS),
      get(TRAITS),
      get(`/v1/nodes/${NOBODY}/traits`),
      get('/v1/nodes/one/traits'),
    ],
  },
  {
    name: 'vifs',
    steps: [
      node,
      get(VIFS, { at: around(28) }),
      get(VIFS),
      get(`/v1/nodes/${NOBODY}/vifs`),
      get('/v1/nodes/one/vifs'),
      post(VIFS, {}),
      post(VIFS, { id: 'a b' }),
      post(VIFS, { id: 5 }),
      remove(`${VIFS}/${uuid(50)}`),
    ],
  },
];

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RouteTable } from '../../../../src/api/error/route-table.js';
import { OPERATOR_CONTROLLERS } from '../../../../src/api/operator-api.js';
import { declaredRoutes } from '../../../../src/api/routes.js';
import type { Conductor } from '../../../../src/conductor/conductor.js';
import { UnavailableError } from '../../../../src/domain/errors.js';
import { startApi } from '../../../support/api.js';
import { LESSEE, OWNER, PersonaAccess, personaHeaders } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';

interface Case {
  does: string;
  on: string;
  body?: unknown;
  /** Personas, separated by blanks. */
  allowed?: string;
  forbidden?: string;
  hidden?: string;
  /** Length of the list that a persona sees. */
  lists?: Record<string, number>;
}
// From what Ironic’s own tests of its access rules expect (ironic/tests/unit/api/test_rbac_*_scoped.yaml as of 1.115):
// allowed is any answer that shows the request was let in, there mostly 503 for want of a conductor.
const CASES = JSON.parse(readFileSync('test/component/api/auth/rbac-cases.json', 'utf8')) as Case[];

const IDENTS: Record<string, string> = {
  node_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c123',
  owner_node_ident: '1ab63b9e-66d7-4cd7-8618-dddd0f9f7881',
  lessee_node_ident: '38d5abed-c585-4fce-a57e-a2ffc2a2ec6f',
  allocated_node_ident: '38d5abed-c585-4fce-a57e-a2ffc2a2ec6f',
  owner_port_ident: 'ebe30f19-358d-41e1-8d28-fd7357a0164c',
  lessee_port_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c781',
  other_port_ident: 'abfd8dbb-1732-449a-b760-2224035c6b99',
  port_ident: '1be26c0b-03f2-4d2e-ae87-c02d7f33c782',
  owner_portgroup_ident: 'b16efcf3-2990-41a1-bc1d-5e2c16f3d5fc',
  lessee_portgroup_ident: '6eb02b44-18a3-4659-8c0b-8d2802581ae4',
  other_portgroup_ident: '5810f41c-6585-41fc-b9c9-a94f50d421b5',
  portgroup_ident: '6eb02b44-18a3-4659-8c0b-8d2802581ae5',
  chassis_ident: 'e74c40e0-d825-11e2-a28f-0800200c9a66',
  driver_name: 'fake-driverz',
  trait: 'CUSTOM_MEOW',
  vif_ident: '0e21d58f-5de2-4956-85ff-33935ea1ca01',
  bios_setting: 'virtualization',
  ind_component: 'chassis',
  ind_ident: 'led-0',
};
/** Nodes that bodies of the cases name, nobody’s. */
const OTHERS = ['573208e5-cd41-4e26-8f06-ef44022b3793', '22e26c0b-03f2-4d2e-ae87-c02d7f33c000'];

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let isConductorThere = true;
beforeAll(async () => {
  database = await startTestDatabase();
  // As in Ironic's tests: what gets as far as the conductor is answered 503, and nothing changes.
  const conductor = (real: Conductor) =>
    new Proxy(real, {
      get(target, name) {
        if (!isConductorThere && !String(name).startsWith('driver')) return away();
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  server = await startApi(database, { access: new PersonaAccess(), conductor });
  await furnish();
  isConductorThere = false;
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

/** A method that fails, and an object of such. */
function away(): unknown {
  return new Proxy(() => Promise.reject(new UnavailableError('none')), { get: () => away() });
}

async function furnish(): Promise<void> {
  const make = async (collection: string, body: object) => {
    const answer = await server.api.post(`/v1/${collection}`, body);
    if (answer.status !== 201) throw new Error(`${collection}: ${answer.status} ${answer.fault}`);
  };
  const node = (uuid: string, more: object = {}) => make('nodes', { uuid, driver: 'fake-hardware', ...more });
  await make('chassis', { uuid: IDENTS['chassis_ident'] });
  await node(IDENTS['node_ident']!);
  for (const uuid of OTHERS) await node(uuid);
  await node(IDENTS['owner_node_ident']!, { owner: OWNER });
  await node(IDENTS['lessee_node_ident']!, { owner: OWNER, lessee: LESSEE });
  let last = 0;
  const address = () => {
    last += 1;
    return `52:54:00:00:00:${last.toString(16).padStart(2, '0')}`;
  };
  for (const [whose, of] of [
    ['owner_', 'owner_node_ident'],
    ['lessee_', 'lessee_node_ident'],
    ['other_', ''],
    ['', 'node_ident'],
  ] as const) {
    const node_uuid = of === '' ? OTHERS[0] : IDENTS[of];
    await make('ports', { uuid: IDENTS[`${whose}port_ident`], node_uuid, address: address() });
    await make('portgroups', { uuid: IDENTS[`${whose}portgroup_ident`], node_uuid, address: address() });
  }
  await make('ports', { node_uuid: IDENTS['owner_node_ident'], address: address() });
  for (const whose of ['owner_node_ident', 'lessee_node_ident', 'node_ident']) {
    const node_uuid = IDENTS[whose];
    await make('volume/connectors', { node_uuid, type: 'iqn', connector_id: `iqn.2026-11.${whose}` });
    const target = { node_uuid, volume_type: 'iscsi', boot_index: 0, volume_id: whose };
    await make('volume/targets', target);
  }
  await database.source.query(`update node set last_error = 'meow', provision_state = 'available'`);
}

const routes = new RouteTable();
for (const { method, path } of declaredRoutes(OPERATOR_CONTROLLERS)) routes.add(method, path);
/** Of records that are not among the furniture: what is not there is 404 for everybody. */
const BARE =
  /\/(allocations?|children|inventory|logical_disk_properties)$|\/bios\/|\/drivers\/.*vendor_passthru/;
const known = CASES.filter(({ does, on }) => {
  if (BARE.test(on)) return false;
  const idents = [...on.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return idents.every((name) => name in IDENTS) && routes.methodsOf(pathOf(on)).includes(does);
});

function pathOf(on: string): string {
  return on.replaceAll(/\{(\w+)\}/g, (_, name: string) => IDENTS[name] ?? name);
}

function verdictOf(status: number): string {
  if (status === 403) return 'forbidden';
  return status === 404 ? 'hidden' : status === 401 || status === 500 ? String(status) : 'allowed';
}

describe('who may do what', () => {
  it('is asked of most of what there is', () => {
    const personas = known.flatMap(({ allowed = '', forbidden = '', hidden = '' }) =>
      [allowed, forbidden, hidden].flatMap((names) => names.split(' ').filter((name) => name !== '')),
    );
    expect(personas.length).toBeGreaterThan(300);
  });

  it.each(known.map((each) => [each.does, each.on, JSON.stringify(each.body ?? null), each] as const))(
    '%s %s %.60s',
    async (does, on, _body, { body, lists = {}, ...verdicts }) => {
      const expected: Record<string, unknown> = {};
      const found: Record<string, unknown> = {};
      for (const verdict of ['allowed', 'forbidden', 'hidden'] as const) {
        for (const name of (verdicts[verdict] ?? '').split(' ').filter((each) => each !== '')) {
          expected[name] = [verdict, lists[name]];
          const answer = await server.api.send(does, pathOf(on), body, personaHeaders(name));
          const list = name in lists ? Object.values(answer.json ?? {}).find(Array.isArray) : undefined;
          found[name] = [verdictOf(answer.status), list?.length];
        }
      }
      expect(found).toEqual(expected);
    },
  );
});

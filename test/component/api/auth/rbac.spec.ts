import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Conductor } from '../../../../src/conductor/service/conductor.js';
import { UnavailableError } from '../../../../src/domain/errors.js';
import { startApi } from '../../../support/api.js';
import { PersonaAccess, personaHeaders } from '../../../support/auth/persona.js';
import { startTestDatabase, type TestDatabase } from '../../../support/database.js';
import { furnish, IDENTS, renew } from './rbac-furniture.js';

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
// From what Ironic’s own tests of its access rules expect (ironic/tests/unit/api/test_rbac_*.yaml as of 1.115): 1297
// entries, of which three are for reference, 14 are skipped there, and 299 are of rules that are deprecated. The 981 left
// come to 959 different ones, gathered here by request. Allowed is any answer that shows the request was let in, there
// mostly 503 for want of a conductor; the 500 of 14 that ask across scopes is 403 here.
const CASES = JSON.parse(readFileSync('test/component/api/auth/rbac-cases.json', 'utf8')) as Case[];

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let isConductorThere = true;
beforeAll(async () => {
  database = await startTestDatabase();
  // As in Ironic's tests: what gets as far as the conductor is answered 503, and nothing changes.
  const conductor = (real: Conductor) =>
    new Proxy(real, {
      get(target, name) {
        // What it judges without a machine answers at once, and is no promise; rows without a node need no conductor.
        const judges = ['refuseRaw', 'records'].includes(String(name)) || String(name).startsWith('driver');
        if (!isConductorThere && !judges) return away();
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  server = await startApi(database, { access: new PersonaAccess(), conductor });
  await furnish(server.api, database);
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

/** Who gets another answer than from Ironic, and why. */
const MEANT: Record<string, Record<string, string>> = {
  // A node that must not be seen is answered as one that does not exist, which is 400 here, of Ironic's too.
  'GET /v1/nodes/{owner_node_ident}/allocation': { 'stranger/admin': 'allowed' },
};

function pathOf(on: string): string {
  return on.replaceAll(/\{(\w+)\}/g, (_, name: string) => IDENTS[name] ?? name);
}

function verdictOf(status: number): string {
  if (status === 403) return 'forbidden';
  return status === 404 ? 'hidden' : status === 401 || status === 500 ? String(status) : 'allowed';
}

describe('who may do what', () => {
  it('is asked of all that Ironic’s tests ask, but for what these skip', () => {
    const personas = CASES.flatMap(({ allowed = '', forbidden = '', hidden = '' }) =>
      [allowed, forbidden, hidden].flatMap((names) => names.split(' ').filter((name) => name !== '')),
    );
    expect([CASES.length, personas.length]).toEqual([263, 959]);
  });

  it.each(CASES.map((each) => [each.does, each.on, JSON.stringify(each.body ?? null), each] as const))(
    '%s %s %.60s',
    async (does, on, _body, { body, lists = {}, ...verdicts }) => {
      const expected: Record<string, unknown> = {};
      const found: Record<string, unknown> = {};
      for (const verdict of ['allowed', 'forbidden', 'hidden'] as const) {
        for (const name of (verdicts[verdict] ?? '').split(' ').filter((each) => each !== '')) {
          expected[name] = [MEANT[`${does} ${on}`]?.[name] ?? verdict, lists[name]];
          await renew(server.api, on);
          // What is asked of a driver is answered without a conductor that knows it.
          isConductorThere = on.startsWith('/v1/drivers/');
          const answer = await server.api.send(does, pathOf(on), body, personaHeaders(name));
          const list = name in lists ? Object.values(answer.json ?? {}).find(Array.isArray) : undefined;
          found[name] = [verdictOf(answer.status), list?.length];
        }
      }
      expect(found).toEqual(expected);
    },
  );
});

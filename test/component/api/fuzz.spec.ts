// Every operation of the OpenAPI document, asked with something wrong in it. FERRIC_FUZZ_RUNS sets how often each is,
// FERRIC_FUZZ_SEED what with; a failure prints both.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Microversion } from '../../../src/api/microversion/microversion.js';
import { openApiDocument } from '../../../src/api/openapi/document.js';
import { OPERATOR_CONTROLLERS } from '../../../src/api/operator-api.js';
import { declaredRoutes } from '../../../src/api/routes.js';
import { type Answer, startApi } from '../../support/api.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { type Asked, askedOf, type Operation, operationsOf } from './fuzz-request.js';
import { Furniture } from './fuzz-target.js';

const RUNS = Number(process.env['FERRIC_FUZZ_RUNS'] ?? 8);
const SEED = Number(process.env['FERRIC_FUZZ_SEED'] ?? 20_261_128);

const NEWEST = openApiDocument(declaredRoutes(OPERATOR_CONTROLLERS), Microversion.newest, 'http://127.0.0.1');
/** Its answer never ends. */
const OPERATIONS = operationsOf(NEWEST).filter(({ path }) => path !== '/v1/events/stream');

let database: TestDatabase;
let server: Awaited<ReturnType<typeof startApi>>;
let furniture: Furniture;
let asked = 0;
let refused = 0;
beforeAll(async () => {
  database = await startTestDatabase();
  server = await startApi(database);
  furniture = new Furniture(server.api, database);
  await furniture.renew();
});
afterAll(async () => {
  await server?.stop();
  await database?.stop();
});

async function ask(operation: Operation, request: Asked): Promise<void> {
  const { method } = operation;
  const before = method === 'GET' ? '' : await furniture.print();
  const path = furniture.filled(request.path);
  const { headers, version } = request;
  // Checks the status and what a good answer holds against the document of the version.
  const answer = await server.api.at(version).send(method, path, request.body, headers);
  asked += 1;
  judge(answer, request, operation.path.startsWith('/v2'));
  if (answer.status < 400) {
    if (method !== 'GET') await furniture.renew();
    return;
  }
  refused += 1;
  if (before !== '') expect(await furniture.print()).toBe(before);
}

function judge(answer: Answer, { wrong }: Asked, image: boolean): void {
  expect([answer.status, answer.text.slice(0, 400)]).toEqual([
    expect.toSatisfy((status: number) => status < 500),
    expect.any(String),
  ]);
  expect(answer.text).not.toContain('canary');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  if (answer.status < 400) return;
  // The Image service writes its failures as Glance does: a page.
  const said = image && answer.fault === '' ? /<h1>\d{3} .+<\/h1>/.exec(answer.text)?.[0] : answer.fault;
  expect(said || answer.json?.error_message).toBeTruthy();
  if (answer.status === 400 && wrong !== undefined && !image) expect(answer.fault).toContain(wrong);
}

describe('whatever is asked', () => {
  it.each(OPERATIONS.map((operation) => [operation.method, operation.path, operation] as const))(
    '%s %s',
    async (_method, _path, operation) => {
      const property = fc.asyncProperty(askedOf(operation), (request) => ask(operation, request));
      await fc.assert(property, { numRuns: RUNS, seed: SEED });
    },
  );

  it('is refused, mostly', () => {
    console.info(`${OPERATIONS.length} operations, ${asked} requests, ${refused} refused`);
    expect(asked).toBeGreaterThanOrEqual(OPERATIONS.length * RUNS);
    expect(refused).toBeGreaterThan(asked / 2);
  });
});

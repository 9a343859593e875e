import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { InspectorSettings } from '../../src/config/section/inspector.js';
import type { RuleEffects } from '../../src/domain/inspection-rule/action.js';
import { startApi } from './api.js';
import { startTestDatabase, type TestDatabase } from './database.js';

/** What OpenStack's own agent collected. */
export const { report: REPORT } = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '../contract/agent/fixtures/ironic-python-agent-inspection.json'),
    'utf8',
  ),
) as { report: { inventory: Record<string, unknown> } };
export const MAC = '02:fc:00:00:00:01';
export const BMC = '10.9.8.7';
export const MISS = { status: 404, fault: 'Resource could not be found.' };

export let database: TestDatabase;
export let server: Awaited<ReturnType<typeof startApi>>;
export let node: string;
export const calls: string[] = [];
const callForRule: RuleEffects['call'] = (url) => {
  calls.push(url);
  return url.includes('down') ? Promise.reject(new Error('nobody is there')) : Promise.resolve();
};
/** What the running server was started with; null: none runs. Files share this module, each has a server of its own. */
let started: string | null = null;
/** Anew only where something else is asked for. */
export const start = async (
  inspector: Partial<InspectorSettings> = {},
  agent: NonNullable<Parameters<typeof startApi>[1]>['agent'] = {},
) => {
  const wanted = JSON.stringify([inspector, agent]);
  if (wanted === started) return;
  await stop();
  started = wanted;
  server = await startApi(database, { agent, conductorOptions: { inspector, callForRule } });
};

async function stop(): Promise<void> {
  if (started !== null) await server.stop();
  started = null;
}

/** A new process with the same database. */
export async function restart(): Promise<void> {
  await stop();
  await start();
}

/** An API with a database and one manageable node that is inspected by its agent, for each test of the file. */
export function useInspectionBed(): void {
  beforeAll(async () => {
    database = await startTestDatabase();
  });
  beforeEach(async () => {
    calls.length = 0;
    await start();
    await database.source.query('truncate node cascade');
    await database.source.query('delete from inspection_rule');
    node = await enrol();
  });
  afterAll(async () => {
    await stop();
    await database?.stop();
  });
}

export async function enrol(
  driver_info: object = { ipmi_address: BMC, ipmi_password: 'canary' },
): Promise<string> {
  const body = { driver: 'fake-hardware', inspect_interface: 'agent', driver_info };
  const { uuid } = (await server.api.post('/v1/nodes', body)).json as { uuid: string };
  await verb(uuid, 'manage');
  await server.settle(uuid, 'manageable');
  return uuid;
}
export const verb = (uuid: string, target: string) =>
  server.api.put(`/v1/nodes/${uuid}/states/provision`, { target });
/** As far as the ramdisk being awaited. */
export async function inspect(uuid = node): Promise<void> {
  expect((await verb(uuid, 'inspect')).status).toBe(202);
  await server.settle(uuid, 'inspect wait');
}
export const post = (body: unknown, query = '', version: number | null = 115) =>
  server.agent.at(version).post(`/v1/continue_inspection${query}`, body);
/** Reports that come while the node is reserved: the work that the first one wakes ends the wait for a ramdisk. */
export const postTogether = async (...bodies: unknown[]) => {
  const reservation = await server.parts.reservations.acquire(node, false);
  try {
    return await Promise.all(bodies.map((body) => post(body)));
  } finally {
    await reservation.release();
  }
};
export const withBmc = (bmc_address: string | null, more: object = {}) => ({
  ...REPORT,
  ...more,
  inventory: { ...REPORT.inventory, bmc_address },
});
export const rule = (actions: object[], more: object = {}) =>
  server.api.post('/v1/inspection_rules', { actions, ...more });
export const shown = async () => (await server.api.get(`/v1/nodes/${node}`)).json as Record<string, never>;

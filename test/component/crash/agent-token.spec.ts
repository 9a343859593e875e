// The daemon is killed between the commit of an agent's token and the answer that gives it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { LosingProxy } from '../../support/database-proxy.js';

let database: TestDatabase;
let proxy: LosingProxy;
let home: DaemonHome;
beforeAll(async () => {
  database = await startTestDatabase();
  proxy = new LosingProxy(database);
  home = new DaemonHome({
    database: { url: await proxy.listen() },
    driver: { enabled_hardware_types: ['fake-hardware'] },
  });
});
afterAll(async () => {
  await home?.remove();
  await proxy?.close();
  await database?.stop();
});

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<void> {
  for (let i = 0; ; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    if (node['provision_state'] === state && node['reservation'] === null) return;
    if (i > 600) throw new Error(`not ${state}: ${JSON.stringify(node)}`);
    await sleep(50);
  }
}

/** @param addresses MAC addresses that the ramdisk reports: another list is another ramdisk */
async function lookUp(daemon: RunningDaemon, uuid: string, addresses: string): Promise<string> {
  const answer = await fetch(`${daemon.agentUrl}/v1/lookup?node_uuid=${uuid}&addresses=${addresses}`, {
    headers: { 'x-openstack-ironic-api-version': '1.68', connection: 'close' },
  });
  const { config } = (await answer.json()) as { config: { agent_token: string } };
  return config.agent_token;
}

it('the same ramdisk gets the token that was committed, until it has used it once; another ramdisk never', async () => {
  const [mine, others] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
  let daemon = await home.start();
  const { uuid } = (await daemon.api('POST', '/v1/nodes', {
    driver: 'fake-hardware',
    deploy_interface: 'direct',
    boot_interface: 'fake',
  })) as { uuid: string };
  const verb = (target: string) => daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target });
  await verb('manage');
  await until(daemon, uuid, 'manageable');
  await verb('provide');
  await until(daemon, uuid, 'clean wait');

  const { process: first } = daemon;
  proxy.onLoss = () => first.kill('SIGKILL');
  proxy.loses = (text, before) =>
    /^commit/i.test(text) && before.some((earlier) => /update node set .*driver_internal_info/.test(earlier));
  await expect(lookUp(daemon, uuid, mine)).rejects.toThrow();
  expect(await daemon.ended).toBe('SIGKILL');
  expect(proxy.lost).toBe(1);

  daemon = await home.start();
  const token = await lookUp(daemon, uuid, mine);
  expect(token.length).toBeGreaterThanOrEqual(32);
  expect(await lookUp(daemon, uuid, mine)).toBe(token);
  expect(await lookUp(daemon, uuid, others)).toBe('******');

  // Its first use, after another kill: the token is the one that was given.
  daemon.process.kill('SIGKILL');
  await daemon.ended;
  daemon = await home.start();
  const used = await fetch(`${daemon.agentUrl}/v1/heartbeat/${uuid}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.68' },
    body: JSON.stringify({
      callback_url: 'https://127.0.0.1:9999',
      agent_token: token,
      agent_version: '9.1.0',
    }),
  });
  expect(used.status).toBe(202);
  expect(await lookUp(daemon, uuid, mine)).toBe('******');
}, 180_000);

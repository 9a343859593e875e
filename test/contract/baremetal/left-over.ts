import { setTimeout as sleep } from 'node:timers/promises';

const KINDS = ['allocations', 'nodes', 'chassis', 'deploy_templates'] as const;

async function send(method: string, url: string, body?: unknown): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, {
    method,
    headers: { 'x-openstack-ironic-api-version': '1.78', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Removes what a scenario left on a server, so that none sees what another one made. */
export async function leftOver(base: string): Promise<void> {
  for (const kind of KINDS) {
    const { text } = await send('GET', `${base}/v1/${kind}`);
    for (const { uuid } of (JSON.parse(text) as Record<string, { uuid: string }[]>)[kind] ?? []) {
      await remove(`${base}/v1/${kind}/${uuid}`, kind === 'nodes');
    }
  }
}

async function remove(url: string, isNode: boolean): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < 40; attempt++) {
    // A node may be deleted in any state once it is in maintenance.
    if (isNode) await send('PUT', `${url}/maintenance`, {});
    const { status, text } = await send('DELETE', url);
    if (status === 204 || status === 404) return;
    last = text;
    const body = [{ op: 'replace', path: '/protected', value: false }];
    if (last.includes('protected')) await send('PATCH', url, body);
    await sleep(100);
  }
  throw new Error(`${url} could not be removed: ${last}`);
}

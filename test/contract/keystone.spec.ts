// Debian's Keystone, and clients that log in there, against the daemon as it is shipped; then clients with HTTP basic.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/run-command.js';
import { DaemonHome, type RunningDaemon } from '../support/daemon.js';
import { type KeystonePeer, passwordAuth, startKeystonePeer } from '../support/peer/keystone.js';

/** By `htpasswd -nbBC 4 alice secret`. */
const HTPASSWD = 'alice:$2y$04$Ke6lWhUcq/yCCRIhI9pKsu1H23NxsrQ1yqcNXWPYxf6P0ZO7ZQDSK\n';
const PASSWORD = 'canary-password-of-all';
const CACHE_SECONDS = 2;

let keystone: KeystonePeer;
let home: DaemonHome;
let daemon: RunningDaemon;
const projects: Record<string, string> = {};
const users: Record<string, string> = {};
const seen: string[] = [];

beforeAll(async () => {
  keystone = await startKeystonePeer();
  await people();
  home = new DaemonHome({
    auth: {
      strategy: 'keystone',
      keystone: {
        url: keystone.url,
        username: 'ferric',
        password: PASSWORD,
        project_name: 'service',
        cache_seconds: CACHE_SECONDS,
        rejected_cache_seconds: 1,
      },
    },
  });
  daemon = await home.start();
  const { service } = await keystone.call('POST', 'services', {
    service: { type: 'baremetal', name: 'ferric' },
  });
  const endpoint = { service_id: service.id, interface: 'public', url: daemon.url };
  await keystone.call('POST', 'endpoints', { endpoint });
});
afterAll(async () => {
  await home?.remove();
  await keystone?.stop();
});

/** Users and what they are: of the system, and of two projects. */
async function people(): Promise<void> {
  const { roles } = await keystone.call('GET', 'roles');
  const ids = new Map<string, string>(
    roles.map((role: { name: string; id: string }) => [role.name, role.id]),
  );
  const { role } = await keystone.call('POST', 'roles', { role: { name: 'service' } });
  ids.set('service', role.id);
  for (const name of ['owner', 'lessee', 'service']) {
    const { project } = await keystone.call('POST', 'projects', { project: { name, domain_id: 'default' } });
    projects[name] = project.id;
  }
  for (const [name, where, roleName] of [
    ['ferric', 'service', 'service'],
    ['operator', 'system', 'admin'],
    ['auditor', 'system', 'reader'],
    ['owen', 'owner', 'admin'],
    ['lena', 'lessee', 'reader'],
  ] as const) {
    const { user } = await keystone.call('POST', 'users', {
      user: { name, password: PASSWORD, domain_id: 'default' },
    });
    users[name] = user.id;
    const scope = where === 'system' ? 'system' : `projects/${projects[where]}`;
    await keystone.call('PUT', `${scope}/users/${user.id}/roles/${ids.get(roleName)}`);
  }
}

const SYSTEM = { system: { all: true } };
async function tokenOf(user: string, project?: string): Promise<string> {
  const scope = project === undefined ? SYSTEM : { project: { id: projects[project] } };
  const token = await keystone.token(passwordAuth(user, PASSWORD, scope));
  seen.push(token);
  return token;
}

async function ask(token: string, method = 'GET', path = '/v1/nodes', body?: object) {
  const answer = await fetch(daemon.url + path, {
    method,
    headers: {
      'x-auth-token': token,
      'content-type': 'application/json',
      'x-openstack-ironic-api-version': '1.82',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    json: (text.startsWith('{') ? JSON.parse(text) : null) as Record<string, never>,
  };
}

/** Runs `baremetal` or `openstack`. */
async function client(env: Record<string, string>, ...words: string[]) {
  const { stdout, stderr } = await runCommand({
    file: '/bin/sh',
    args: ['-c', '"$@" || echo "status $?" >&2', 'sh', ...words],
    env: { PATH: '/usr/bin:/bin', COLUMNS: '400', HOME: home.directory, ...env },
    timeout: 100_000,
    maxOutput: 1 << 20,
  });
  return { stdout, failed: stderr.includes('status '), stderr };
}

const asUser = (user: string, scope: Record<string, string>) => ({
  OS_AUTH_TYPE: 'password',
  OS_AUTH_URL: `${keystone.url}/v3`,
  OS_USERNAME: user,
  OS_PASSWORD: PASSWORD,
  OS_USER_DOMAIN_NAME: 'Default',
  ...scope,
});
const operator = () => asUser('operator', { OS_SYSTEM_SCOPE: 'all' });
const owen = () => asUser('owen', { OS_PROJECT_NAME: 'owner', OS_PROJECT_DOMAIN_NAME: 'Default' });

describe('clients that log in at Keystone', () => {
  it('an operator enrols a node for a project and leases it', async () => {
    const created = await client(
      operator(),
      ...['baremetal', 'node', 'create', '--driver', 'fake-hardware', '--name', 'leased', '-f', 'json'],
    );
    expect(created.stderr).toBe('');
    expect(JSON.parse(created.stdout)).toMatchObject({ name: 'leased', owner: null });
    const leases = ['--owner', projects['owner']!, '--lessee', projects['lessee']!];
    const leased = await client(operator(), 'baremetal', 'node', 'set', 'leased', ...leases);
    expect(leased.stderr).toBe('');
    const other = await client(
      operator(),
      ...['openstack', 'baremetal', 'node', 'create', '--driver', 'fake-hardware', '--name', 'nobodys'],
      ...['-f', 'json'],
    );
    expect(other.stderr).toBe('');
    const managed = await client(operator(), 'baremetal', 'node', 'manage', 'leased', '--wait', '60');
    expect(managed.stderr).not.toContain('status ');
  });

  it('a project’s admin sees the project’s node and no other', async () => {
    const list = await client(owen(), 'baremetal', 'node', 'list', '-f', 'json');
    expect(JSON.parse(list.stdout).map((node: { Name: string }) => node.Name)).toEqual(['leased']);
    const hidden = await client(owen(), 'baremetal', 'node', 'show', 'nobodys');
    expect(hidden.failed).toBe(true);
    expect(hidden.stderr).toContain('Node nobodys could not be found.');
    const drivers = await client(owen(), 'baremetal', 'driver', 'list');
    expect(drivers.stderr).toContain('Access was denied to the following resource: baremetal:driver:get');
  });

  it('what a project creates is its own', async () => {
    const created = await client(
      owen(),
      ...['baremetal', 'node', 'create', '--driver', 'fake-hardware', '--name', 'owens', '-f', 'json'],
    );
    expect(JSON.parse(created.stdout)).toMatchObject({ owner: projects['owner'] });
    const events = await client(
      operator(),
      'baremetal',
      'node',
      'history',
      'list',
      'leased',
      '--long',
      '-f',
      'json',
    );
    expect(events.stdout).toContain(users['operator']);
  });
});

describe('tokens', () => {
  it('of a lessee who reads show what a lessee may see', async () => {
    const token = await tokenOf('lena', 'lessee');
    const { json } = await ask(token, 'GET', '/v1/nodes/leased');
    expect(json['driver_internal_info']).toEqual({ content: expect.stringContaining('Redacted') });
    const off = await ask(token, 'PUT', '/v1/nodes/leased/states/power', { target: 'power off' });
    expect(off.status).toBe(403);
    expect((await ask(token, 'DELETE', '/v1/nodes/owens')).status).toBe(404);
  });

  it('of a system’s reader see everything and change nothing', async () => {
    const token = await tokenOf('auditor');
    expect((await ask(token)).json['nodes']).toHaveLength(3);
    expect((await ask(token, 'GET', '/v1/drivers')).status).toBe(200);
    expect(
      (await ask(token, 'PATCH', '/v1/nodes/leased', [{ op: 'add', path: '/extra/x', value: 1 }])).status,
    ).toBe(403);
  });

  it('of an application credential work until it ends', async () => {
    const own = await tokenOf('owen', 'owner');
    const made = await fetch(`${keystone.url}/v3/users/${users['owen']}/application_credentials`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-auth-token': own },
      body: JSON.stringify({
        application_credential: {
          name: 'short',
          expires_at: new Date(Date.now() + 15_000).toISOString().replace('Z', ''),
        },
      }),
    });
    const { application_credential: credential } = (await made.json()) as {
      application_credential: { id: string; secret: string };
    };
    const token = await keystone.token({
      identity: {
        methods: ['application_credential'],
        application_credential: { id: credential.id, secret: credential.secret },
      },
    });
    seen.push(token, credential.secret);
    expect((await ask(token)).status).toBe(200);
    await expect.poll(async () => (await ask(token)).status, { timeout: 40_000, interval: 500 }).toBe(401);
  });

  it('that are revoked are refused when the cache ends', async () => {
    const token = await tokenOf('auditor');
    expect((await ask(token)).status).toBe(200);
    await fetch(`${keystone.url}/v3/auth/tokens`, {
      method: 'DELETE',
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    });
    await sleep(CACHE_SECONDS * 1000);
    const refused = await ask(token);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      `Keystone uri="${keystone.url}"`,
    ]);
  });

  it('are asked about once in that time, and our own login is made once', async () => {
    const count = (method: string) =>
      keystone.log().match(new RegExp(`"${method} /v3/auth/tokens\\?nocatalog HTTP`, 'g'))?.length ?? 0;
    const before = count('POST');
    const token = await tokenOf('auditor');
    // Keystone writes the line after the answer.
    await expect.poll(() => count('POST')).toBe(before + 1);
    const [asked, logins] = [count('GET'), count('POST')];
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(token)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const spans = Math.ceil((performance.now() - began) / (CACHE_SECONDS * 1000));
    expect(count('GET') - asked).toBeGreaterThan(0);
    expect(count('GET') - asked).toBeLessThanOrEqual(spans);
    expect(count('POST') - logins).toBe(0);
  });

  it('cannot be validated while Keystone is away: 503', async () => {
    const token = await tokenOf('auditor');
    await keystone.stop();
    const answer = await ask(token);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, null]);
    expect((await fetch(`${daemon.url}/v1`)).status).toBe(200);
  });

  it('and passwords are nowhere in the log', () => {
    expect(seen.length).toBeGreaterThan(5);
    for (const secret of [PASSWORD, ...seen]) expect(home.log()).not.toContain(secret);
  });
});

describe('clients with HTTP basic', () => {
  const basic = (password: string) => ({
    OS_AUTH_TYPE: 'http_basic',
    OS_ENDPOINT: daemon.url,
    OS_USERNAME: 'alice',
    OS_PASSWORD: password,
  });

  beforeAll(async () => {
    await daemon.stop();
    const file = join(home.directory, 'htpasswd');
    writeFileSync(file, HTPASSWD);
    daemon = await home.start({
      FERRIC_AUTH__STRATEGY: 'http_basic',
      FERRIC_AUTH__HTTP_BASIC__USER_FILE: file,
    });
  });

  it('see everything with the right password, and nothing with a wrong one', async () => {
    const list = await client(basic('secret'), 'baremetal', 'node', 'list', '-f', 'json');
    expect(JSON.parse(list.stdout)).toHaveLength(3);
    const wrong = await client(basic('Secret'), 'baremetal', 'node', 'list');
    expect(wrong.failed).toBe(true);
    expect(wrong.stderr).toMatch(/401|Unauthorized|Incorrect username or password/);
  });
});

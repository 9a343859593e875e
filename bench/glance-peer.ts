import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../src/platform/run-command.js';
import { freePort } from '../test/support/free-port.js';

export interface Glance {
  url: string;
  /** Runs Debian's `openstack image …` with this service as endpoint. */
  openstack(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Debian's glance-api without Keystone, on loopback, with SQLite and a directory of its own.
 * @param policy rules that override its defaults; no client has a role
 */
export async function startGlance(policy: Readonly<Record<string, string>> = {}): Promise<Glance> {
  const home = await mkdtemp(join(tmpdir(), 'ferric-glance-'));
  const port = await freePort();
  const config = join(home, 'glance.conf');
  await Promise.all(['store', 'staging', 'tasks'].map((name) => mkdir(join(home, name))));
  await writeFile(
    config,
    `[DEFAULT]
bind_host = 127.0.0.1
bind_port = ${port}
workers = 0
log_file = ${home}/glance.log
enabled_backends = files:file
[database]
connection = sqlite:///${home}/glance.sqlite
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = ${home}/store
[os_glance_staging_store]
filesystem_store_datadir = ${home}/staging
[os_glance_tasks_store]
filesystem_store_datadir = ${home}/tasks
[oslo_policy]
policy_file = ${home}/policy.json
[paste_deploy]
flavor =
config_file = /etc/glance/glance-api-paste.ini
`,
  );
  await writeFile(join(home, 'policy.json'), JSON.stringify(policy));
  await runCommand({ file: 'glance-manage', args: ['--config-file', config, 'db_sync'], timeout: 120_000 });
  const output = openSync(join(home, 'output.log'), 'a');
  const child = spawn('/usr/bin/glance-api', ['--config-file', config], {
    stdio: ['ignore', output, output],
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await once(child, 'exit');
      clearTimeout(force);
    }
    await rm(home, { recursive: true });
  };
  for (let tries = 0; ; tries++) {
    const up = await fetch(`${url}/v2/images`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (up) break;
    if (tries > 600 || child.exitCode !== null) {
      const said = await readFile(join(home, 'output.log'), 'utf8');
      await stop();
      throw new Error(`glance-api did not start: ${said.slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return {
    url,
    stop,
    openstack: async (...args) => {
      const env = { OS_AUTH_TYPE: 'none', OS_ENDPOINT: url, HOME: home };
      return (await runCommand({ file: 'openstack', args: ['image', ...args], env, timeout: 60_000 })).stdout;
    },
  };
}

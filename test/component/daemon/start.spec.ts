import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import { freePort } from '../../support/free-port.js';
import { isRoot, Rack } from '../../support/netboot/rack.js';

const PROGRAM = new URL('../../../dist/src/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'ferric-start-'));
chmodSync(folder, 0o755);
const homes: DaemonHome[] = [];
afterAll(async () => {
  for (const home of homes) await home.remove();
  rmSync(folder, { recursive: true, force: true });
});

function newHome(config: Record<string, unknown> = {}): DaemonHome {
  const home = new DaemonHome(config);
  homes.push(home);
  return home;
}

/** Runs the program to its end. */
async function program(...args: string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await ended) as [number | null];
  return { status, out, err, lines: err.trim().split('\n') };
}

function configFile(settings: Record<string, unknown>): string {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(file, stringify(settings));
  return file;
}

async function until(what: () => Promise<boolean> | boolean, seconds = 30): Promise<void> {
  for (let i = 0; i < seconds * 10; i++) {
    if (await what()) return;
    await sleep(100);
  }
  throw new Error(`not within ${seconds} s`);
}

async function answers(daemon: RunningDaemon): Promise<boolean> {
  return daemon.api('GET', '/v1/nodes').then(
    () => true,
    () => false,
  );
}

describe('options', () => {
  it('an unknown option or word is refused with status 2 and one sentence, before anything is made', async () => {
    for (const args of [['--confg', 'x'], ['serve'], ['--config']]) {
      const { status, lines, out } = await program(...args);
      expect([args, status, out, lines.length]).toEqual([args, 2, '', 1]);
    }
  });

  it('--check judges the file and ends', async () => {
    expect(await program(`--config=${configFile({ log: { level: 'warn' } })}`, '--check')).toMatchObject({
      status: 0,
    });
    const bad = await program(
      '--config',
      configFile({ log: { level: 'loud' }, api: { nosuch: 1 } }),
      '--check',
    );
    expect(bad.status).toBe(1);
    expect(bad.err).toMatch(/api\.nosuch.*log\.level/s);
  });
});

describe('a second start', () => {
  it('on the same data directory names the holder, touches nothing and ends with status 1', async () => {
    const home = newHome();
    const first = await home.start();
    const settings = { data_dir: join(home.directory, 'data'), api: { listen: { port: await freePort() } } };
    const second = await program(`--config=${configFile(settings)}`);
    expect(second.status).toBe(1);
    expect(second.lines).toHaveLength(1);
    expect(second.err).toContain(`pid ${first.process.pid}`);
    expect(await answers(first)).toBe(true);
    expect(first.log()).not.toContain('PostgreSQL ended');
    // The lock goes with the process, however it ends.
    first.process.kill('SIGKILL');
    await first.ended;
    expect(await answers(await home.start())).toBe(true);
  });

  it('with ports that are taken names each, and makes no database', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const data_dir = join(folder, 'second');
    const second = await program(
      '--config',
      configFile({ data_dir, api: { listen: { port } }, agent: { listen: { address: '192.0.2.1' } } }),
    );
    taken.close();
    expect([second.status, second.lines.length]).toEqual([1, 1]);
    expect(second.err).toContain(`api.listen: 127.0.0.1 port ${port} (TCP) is in use by `);
    expect(second.err).toContain(`(pid ${process.pid})`);
    expect(second.err).toMatch(/agent\.listen: 192\.0\.2\.1 .* no address of this machine/);
    expect(existsSync(join(data_dir, 'postgresql'))).toBe(false);
  });

  it('with a Unix socket that is served, or one port for two listeners, says so and makes no database', async () => {
    const path = join(folder, 'taken.sock');
    const taken = createServer().listen(path);
    await once(taken, 'listening');
    const data_dir = join(folder, 'third');
    const listen = { port: await freePort() };
    const second = await program(
      '--config',
      configFile({
        data_dir,
        api: { socket: path },
        agent: { listen },
        netboot: { http: { listen: '127.0.0.1', ...listen } },
      }),
    );
    taken.close();
    expect([second.status, second.lines.length]).toEqual([1, 1]);
    expect(second.err).toContain(`api.socket: Somebody listens on ${path} already.`);
    expect(second.err).toMatch(/netboot\.http\.listen: .* is that of agent\.listen too/);
    expect(existsSync(join(data_dir, 'postgresql'))).toBe(false);
  });
});

describe('ports', () => {
  const status = (url: string) =>
    fetch(url, { headers: { connection: 'close' } }).then(
      async (answer) => {
        await answer.text();
        return answer.status;
      },
      (error: Error) => String((error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message),
    );
  /** @returns whether another program gets it */
  const bind = async (port: number) => {
    const other = createServer().listen({ port, host: '127.0.0.1', exclusive: true });
    const got = await once(other, 'listening').then(
      () => true,
      () => false,
    );
    other.close();
    return got;
  };

  it('answer 503 until their listener is there; nobody is refused or reset, and no other program gets one', async () => {
    const home = newHome();
    const daemon = await home.launch();
    const urls = [`${daemon.url}/v1`, `${daemon.agentUrl}/v1`];
    const port = Number(new URL(daemon.url).port);
    await until(async () => (await status(urls[0]!)) !== 'ECONNREFUSED');
    const seen = new Set<number | string>();
    const bound: boolean[] = [];
    while (!daemon.log().includes('ferric is ready') && daemon.process.exitCode === null) {
      for (const url of urls) seen.add(await status(url));
      bound.push(await bind(port));
      await sleep(2);
    }
    seen.add(await status(urls[0]!));
    expect([...seen].sort()).toEqual([200, 503]);
    expect(new Set(bound)).toEqual(new Set([false]));
    await daemon.stop();
  });

  it('answer 503 for as long as the start waits for its database', async () => {
    const url = `postgresql://u:p@127.0.0.1:${await freePort()}/none`;
    const home = newHome();
    const daemon = await home.launch({ FERRIC_DATABASE__URL: url });
    await until(async () => (await status(daemon.url)) === 503);
    const answer = await fetch(`${daemon.url}/v1/nodes`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, null]);
    expect(await answer.json()).toMatchObject({ error_message: expect.stringContaining('is starting') });
    daemon.process.kill('SIGKILL');
    await daemon.ended;
    expect(await bind(Number(new URL(daemon.url).port))).toBe(true);
  });

  it.skipIf(!isRoot)('of DHCP are tried first, and who has one is named', async () => {
    const rack = new Rack();
    try {
      const [inside, outside] = [rack.add('daemon'), rack.add('other')];
      rack.wire({ in: inside, as: 'srv', ip: '10.68.0.1/24' }, { in: outside, as: 'eth0' });
      const other = join(folder, 'other.mjs');
      writeFileSync(
        other,
        `import { createSocket } from 'node:dgram';
         const socket = createSocket({ type: 'udp6', reuseAddr: process.argv[2] === 'shared' });
         socket.bind(67, '::', () => console.log('ready'));`,
      );
      const data_dir = join(folder, 'dhcp');
      const dhcp = {
        interface: 'srv',
        subnets: [{ cidr: '10.68.0.0/24', range_start: '10.68.0.10', range_end: '10.68.0.20' }],
      };
      // A database that never comes: nothing is left behind.
      const database = { url: 'postgresql://u:p@127.0.0.1:1/none' };
      const config = configFile({
        data_dir,
        database,
        netboot: { dhcp, http: { listen: '10.68.0.1' } },
      });
      const holder = await rack.start(inside, other, ['alone']);
      const { status: ended, output } = await rack.run(inside, [
        process.execPath,
        PROGRAM,
        '--config',
        config,
      ]);
      expect(ended).toBe(1);
      expect(output).toContain('netboot.dhcp.interface: srv port 67 (UDP) is in use by ');
      expect(output).toContain(`(pid ${holder.pid})`);
      holder.kill();
      await holder.ended;
      // One that shares it may serve another interface: the start goes on, and says who it is.
      const sharer = await rack.start(inside, other, ['shared']);
      const { output: shared } = await rack.run(
        inside,
        ['timeout', '-s', 'KILL', '15', process.execPath, PROGRAM, '--config', config],
        30_000,
      );
      expect(shared).toMatch(new RegExp(`"holders":\\[\\{"pid":${sharer.pid}.*others listen on UDP port 67`));
    } finally {
      await rack.stop();
    }
  });
});

describe('few descriptors', () => {
  it('run out for strangers first: who is in is served, and everybody when they are gone', async () => {
    const home = newHome({ agent: { max_connections_per_client: 4096 } });
    const daemon = await home.start({}, ['prlimit', '--nofile=256:256']);
    const open = await Promise.all(
      Array.from({ length: 400 }, async () => {
        const socket = connect(Number(new URL(daemon.agentUrl).port), '127.0.0.1');
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
    await until(() => open.filter((socket) => socket.destroyed).length > 250);
    expect(open.filter((socket) => !socket.destroyed).length).toBeGreaterThan(100);
    // Told, and not for each.
    await until(() => daemon.log().includes('all listeners together hold'));
    expect(daemon.log().match(/all listeners together hold/g)!.length).toBeLessThan(20);
    expect(daemon.log()).not.toContain('EMFILE');
    // What the daemon does by itself has descriptors: connections of the database, files, programs.
    const descriptors = readdirSync(`/proc/${daemon.process.pid}/fd`).length;
    expect(descriptors).toBeLessThan(256 - 40);
    // There is room again at once for whoever comes when one has gone.
    open.find((socket) => !socket.destroyed)!.destroy();
    await until(() => answers(daemon));
    for (const socket of open) socket.destroy();
    await until(() => answers(daemon));
    const made = await daemon.api('POST', '/v1/nodes', { driver: 'fake-hardware' });
    await daemon.api('PUT', `/v1/nodes/${String(made['uuid'])}/states/provision`, { target: 'manage' });
    await until(async () => {
      const node = await daemon.api('GET', `/v1/nodes/${String(made['uuid'])}`);
      return node['provision_state'] === 'manageable';
    });
    expect(daemon.log()).not.toContain('EMFILE');
    await daemon.stop();
  });
});

describe('the first line of the log', () => {
  it('names version, file and data directory; names with one underscore are warned of', async () => {
    const home = newHome();
    const daemon = await home.start({ FERRIC_PORT: 'tcp://10.0.0.1:6385', FERRIC_SERVICE_HOST: '10.0.0.1' });
    const [first] = daemon.log().split('\n');
    expect(JSON.parse(first!)).toMatchObject({
      version: (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version,
      config: join(home.directory, 'ferric.yaml'),
      data_dir: join(home.directory, 'data'),
    });
    expect(daemon.log()).toMatch(/"level":"warn".*FERRIC_PORT.*FERRIC_SERVICE_HOST/);
    await daemon.stop();
  });
});

describe('fake hardware alone', () => {
  it('starts where there is no ipmitool', async () => {
    const ipmi = { program: '/nonexistent/ipmitool' };
    const home = newHome({ ipmi, driver: { enabled_hardware_types: ['fake-hardware'] } });
    const daemon = await home.start();
    expect(daemon.log()).not.toContain('ipmitool');
    await daemon.stop();
    const { status, err } = await program(
      '--config',
      configFile({
        data_dir: join(folder, 'ipmi'),
        ipmi,
        api: { listen: { port: 0 } },
        agent: { listen: { port: 0 } },
        netboot: { http: { port: 0 } },
      }),
    );
    expect(status).toBe(1);
    expect(err).toContain('ipmi.program');
  });
});

describe('an embedded database that is killed', () => {
  const postmaster = (home: DaemonHome) =>
    Number(
      readFileSync(join(home.directory, 'data/postgresql/cluster/postmaster.pid'), 'utf8').split('\n')[0],
    );

  it('is started again, and what is asked then is answered', async () => {
    const home = newHome();
    const daemon = await home.start();
    const before = postmaster(home);
    process.kill(before, 'SIGKILL');
    await until(() => daemon.log().includes('PostgreSQL runs again'));
    expect(postmaster(home)).not.toBe(before);
    await until(() => answers(daemon));
    await daemon.stop();
  });

  it('again and again ends the daemon with status 1 and why', async () => {
    const home = newHome({ database: { restarts: 1 } });
    const daemon = await home.start();
    process.kill(postmaster(home), 'SIGKILL');
    await until(() => daemon.log().includes('PostgreSQL runs again'));
    process.kill(postmaster(home), 'SIGKILL');
    expect(await daemon.ended).toBe(1);
    expect(daemon.log()).toMatch(/the daemon must end|PostgreSQL ended 2 times in a row/);
  });

  it('whose lock file carries the number of another program, "postgres" in its command line, starts', async () => {
    const home = newHome();
    const daemon = await home.start();
    const file = join(home.directory, 'data/postgresql/cluster/postmaster.pid');
    const kept = readFileSync(file, 'utf8');
    await daemon.stop();
    const other = spawn('sleep', ['1000'], { argv0: 'postgres', stdio: 'ignore' });
    try {
      writeFileSync(file, kept.replace(/^\d+/, String(other.pid)));
      writeFileSync(join(home.directory, 'data/postgresql/socket/.s.PGSQL.5432.lock'), `${other.pid}\n`);
      const again = await home.start();
      expect(await answers(again)).toBe(true);
      expect(other.exitCode).toBeNull();
      await again.stop();
    } finally {
      other.kill();
    }
  });

  it('lets in the daemon’s account alone, and runs under one of its own', async () => {
    const home = newHome();
    const daemon = await home.start();
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${postmaster(home)}/status`, 'utf8'))![1]!;
    const name = /^([^:]*):/.exec(
      readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((row) => row.split(':')[2] === uid)!,
    )![1];
    expect(name).toBe('ferric-postgres');
    const socket = join(home.directory, 'data/postgresql/socket');
    const script = `const { Client } = require('pg');
      const client = new Client({ host: ${JSON.stringify(socket)}, user: 'ferric', database: 'postgres' });
      client.connect().then(() => { console.log('in'); return client.end(); }, (error) => console.log(error.message));`;
    const tried = spawn(
      'setpriv',
      [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', process.execPath, '-e', script],
      {
        cwd: process.cwd(),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    expect(await text(tried.stdout)).toMatch(/[Pp]eer authentication failed/);
    await daemon.stop();
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';
import type { FaultState } from '../../support/faults/daemon.js';
import { NOT_CALLED, THROWN_IN } from '../../support/faults/not-called.js';
import { bundle, isRoot, Rack } from '../../support/netboot/rack.js';

const SERVER = '10.67.0.1';
const ENTRY = new URL('../../support/faults/daemon.ts', import.meta.url).pathname;
const ROUND = new URL('../../support/faults/round.ts', import.meta.url).pathname;
/** Handlers that are made to throw in the same rounds. */
const BATCH = 25;
/** ms for an answer in a round that a fault may spoil, and in one that nothing spoils. */
const SPOILED = 3_000;
const CLEAN = 15_000;

const BUILT = new URL('../../../dist/src/', import.meta.url).pathname;
/** Programs of their own, started by other commands. */
const OTHERS = ['backup/**', 'platform/boundary.js'];

/** Every place that hands a handler or a promise to the boundary, by `file:line:column`: owner, as it is written. */
function places(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of globSync('**/*.js', { cwd: BUILT, exclude: OTHERS })) {
    const text = readFileSync(join(BUILT, path), 'utf8');
    if (!existsSync(join('src', path.replace(/js$/, 'ts')))) continue; // of an earlier build
    for (const match of text.matchAll(/\b(?:contained|detached)\((?:(['`])(.*?)\1)?/g)) {
      const before = text.slice(0, match.index).split('\n');
      if (/^\s*(?:\*|\/\/)/.test(before.at(-1)!)) continue;
      found.set(`${path}:${before.length}:${before.at(-1)!.length + 1}`, match[2] ?? 'any owner');
    }
  }
  return found;
}

const ownerOf = (handler: string) => handler.split(' @ ')[0]!;
const placeOf = (handler: string) => handler.split(' @ ')[1]!;
const withoutLine = (handler: string) => handler.replace(/:\d+:\d+$/, '');

/** The names that stand in the first list more often than in the second one. */
function beyond(names: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return names.filter((name) => {
    const at = left.indexOf(name);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Called at the start, and then only by the stop. */
const isAtStop = (handler: string) => ['signal', 'a program with an open file'].includes(ownerOf(handler));

class Faults {
  readonly #rack = new Rack();
  readonly #inside = this.#rack.add('daemon');
  readonly #outside = this.#rack.add('clients');
  readonly #home = new DaemonHome(settings());
  readonly #socket = join(this.#home.directory, 'faults');
  #clients!: ChildProcess;
  #lines!: AsyncIterator<string>;
  #program = '';
  daemon!: RunningDaemon;

  async start(): Promise<void> {
    this.#rack.wire(
      { in: this.#inside, as: 'srv', ip: `${SERVER}/24` },
      { in: this.#outside, as: 'eth0', ip: '10.67.0.2/24' },
    );
    const files = ['small', 'large'].map((name) => [name, join(this.#home.directory, name)] as const);
    writeFileSync(files[0]![1], 'x'.repeat(500));
    writeFileSync(files[1]![1], Buffer.alloc(16 * 2 ** 20));
    const env = { FERRIC_NETBOOT__FILES: JSON.stringify(Object.fromEntries(files)) };
    const before = ['ip', 'netns', 'exec', this.#inside];
    this.daemon = await this.#home.start(env, before, [ENTRY, this.#socket]);
    this.#program = await bundle(ROUND);
    const clients = spawn('ip', ['netns', 'exec', this.#outside, process.execPath, this.#program, SERVER], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#clients = clients;
    this.#lines = createInterface({ input: clients.stdout })[Symbol.asyncIterator]();
    await this.#lines.next(); // ready
    // Half of the addresses of the range are in use.
    for (let host = 101; host < 200; host += 2)
      await this.#rack.run(this.#outside, ['ip', 'addr', 'add', `10.67.0.${host}/24`, 'dev', 'eth0']);
    await this.#enrol();
  }

  get isAlive(): boolean {
    return this.daemon.process.exitCode === null && this.daemon.process.signalCode === null;
  }

  /**
   * @param limit ms for an answer
   * @returns what was wrong, by door
   */
  async round(limit: number): Promise<Record<string, string>> {
    this.#clients.stdin!.write(`${limit}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(value as string) as Record<string, string>;
  }

  /** @param handlers to be armed; none only asks */
  async state(...handlers: string[]): Promise<FaultState> {
    const socket = connect(this.#socket, () => socket.write([...handlers, '\n'].join('\n')));
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    let answer = '';
    for (let i = 0; i <= handlers.length; i++) answer = (await lines.next()).value as string;
    socket.destroy();
    return JSON.parse(answer) as FaultState;
  }

  /** Handlers that were wrapped and never threw, and places that were never reached: `owner @ file`, sorted. */
  silent(): string[] {
    const [wrapped, thrown] = [this.#noted('wrapped'), new Set(this.#noted('thrown'))];
    return this.#withUnreached(wrapped.filter((handler) => !thrown.has(handler)));
  }

  /** All of them. */
  known(): string[] {
    return this.#withUnreached(this.#noted('wrapped'));
  }

  #withUnreached(handlers: readonly string[]): string[] {
    const reached = new Set(this.#noted('wrapped').map(placeOf));
    const unreached = [...places()].filter(([place]) => !reached.has(place));
    const named = unreached.map(([place, owner]) => `${owner} @ ${place}`);
    return [...handlers, ...named].map(withoutLine).sort();
  }

  #noted(word: 'wrapped' | 'thrown'): string[] {
    const lines = readFileSync(`${this.#socket}.handlers`, 'utf8').split('\n');
    return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  }

  /** The server ends connections of the daemon. */
  async cutConnections(): Promise<void> {
    const client = await this.#database();
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null',
    );
    await client.end();
  }

  /** From now on no node can be read. @returns ends that */
  async lockNodes(): Promise<() => Promise<void>> {
    const client = await this.#database();
    await client.query('begin');
    await client.query('lock table node');
    return () => client.end();
  }

  async #database(): Promise<Client> {
    const host = join(this.#home.directory, 'data/postgresql/socket');
    const client = new Client({ host, user: 'ferric', database: 'postgres' });
    await client.connect();
    return client;
  }

  killPostgres(): void {
    const file = join(this.#home.directory, 'data/postgresql/cluster/postmaster.pid');
    process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL');
  }

  async stop(): Promise<void> {
    this.#clients?.kill();
    if (this.#program) rmSync(this.#program, { force: true });
    await this.#home.remove();
    await this.#rack.stop();
  }

  /** The machine that DHCP knows, by many ports. */
  async #enrol(): Promise<void> {
    const post = async (path: string, body: object, method = 'POST') => {
      const { output, status } = await this.#rack.run(this.#outside, [
        ...['curl', '-sSf', '-X', method, '-H', 'Content-Type: application/json'],
        ...['-H', 'X-OpenStack-Ironic-API-Version: 1.104', '-d', JSON.stringify(body)],
        `http://${SERVER}:6385${path}`,
      ]);
      if (status !== 0) throw new Error(output);
      return (output === '' ? {} : JSON.parse(output)) as { uuid: string };
    };
    const { uuid } = await post('/v1/nodes', { driver: 'fake-hardware' });
    for (let i = 1; i <= 100; i++)
      await post('/v1/ports', {
        node_uuid: uuid,
        address: `02:00:00:00:00:${i.toString(16).padStart(2, '0')}`,
      });
    await post(`/v1/nodes/${uuid}/states/provision`, { target: 'manage' }, 'PUT');
    const actions = [{ op: 'set-attribute', args: ['description', 'seen'] }];
    await post('/v1/inspection_rules', { actions });
  }
}

function settings(): Record<string, unknown> {
  const listen = (port: number) => ({ listen: { address: SERVER, port } });
  return {
    auth: { noauth_on_network: true },
    api: listen(6385),
    agent: { ...listen(6386), unleased_networks: ['10.67.0.0/24'] },
    metrics: { listen: SERVER, token: 'let-me-in' },
    ipmi: {
      link: 'auto',
      shadow_share: 1,
      max_packets_per_second: 10,
      command_retry_timeout: 2,
      min_response_timeout: 1,
      max_response_timeout: 1,
    },
    redfish: { connection_attempts: 1, connection_retry_interval: 0 },
    deploy: { max_command_attempts: 1, deploy_logs_collect: 'never' },
    inspector: { require_managed_boot: false },
    image: { connect_timeout: 2 },
    image_service: { upload_idle_timeout: 1 },
    conductor: {
      heartbeat_interval: 1,
      sync_power_state_interval: 1,
      check_provision_state_interval: 1,
      check_allocations_interval: 1,
      power_failure_recovery_interval: 1,
      history_cleanup_interval: 1,
      lease_seconds: 10,
    },
    netboot: {
      http: { listen: SERVER, port: 8080 },
      tftp: { listen: SERVER },
      dhcp: {
        interface: 'srv',
        subnets: [
          {
            cidr: '10.67.0.0/24',
            range_start: '10.67.0.100',
            range_end: '10.67.0.200',
            relays: ['10.67.0.2'],
          },
        ],
      },
    },
  };
}

describe.skipIf(!isRoot)('a handler of the running daemon that throws', () => {
  const faults = new Faults();
  beforeAll(() => faults.start());
  afterAll(() => faults.stop());

  /** Doors that were not served after a fault. */
  const unserved: { after: readonly string[]; wrong: Record<string, string> }[] = [];

  /** Rounds until each of these has thrown, at most three. */
  async function spoil(handlers: readonly string[]): Promise<void> {
    await faults.state(...handlers);
    for (let i = 0; i < 3; i++) {
      await faults.round(SPOILED);
      const { armed } = await faults.state();
      if (!handlers.some((handler) => armed.includes(handler))) return;
    }
  }

  /**
   * Rounds until no fault spoils one: a handler that was armed before may throw in one that is meant to be clean.
   * @param patience ms in which a round may fail: on a busy machine an answer may take longer than `CLEAN`, and a door
   * that a fault has broken stays broken
   */
  async function expectServed(after: readonly string[], patience = 60_000): Promise<void> {
    for (const begun = Date.now(); ; ) {
      if (!faults.isAlive) throw new Error(`the daemon ended after ${after.join(', ')}`);
      const before = await faults.state();
      const wrong = await faults.round(CLEAN);
      const { thrown } = await faults.state();
      if (thrown !== before.thrown) continue;
      const isServed = Object.keys(wrong).length === 0;
      if (!isServed && Date.now() - begun < patience) continue;
      if (!isServed) unserved.push({ after, wrong });
      return;
    }
  }

  it('ends nothing but its own business: every door is served afterwards, and each handler threw once', async () => {
    await expectServed([]);
    await sleep(6_000); // until the timers have fired, too
    const tried = new Set<string>();
    for (;;) {
      const { handlers } = await faults.state();
      const left = Object.keys(handlers).filter((name) => !tried.has(name) && ownerOf(name) !== 'signal');
      // Those that no round calls throw whenever something does.
      const rare = left.filter((name) => !handlers[name]);
      const next = left.filter((name) => handlers[name]).slice(0, BATCH);
      for (const name of [...rare, ...next]) tried.add(name);
      await faults.state(...rare);
      if (next.length === 0) break;
      await spoil(next);
      await expectServed(next);
    }
    // Twice: the first errors are spoiled, the second ones are acted upon.
    await faults.state('upset', 'upset');
    await expectServed(['sockets and threads reported errors']);
    const cut = faults.round(CLEAN);
    await faults.cutConnections();
    await cut;
    await expectServed(['connections were cut']);
    // Counts for the metrics are remembered for 5 s, and waited for 3 s.
    await sleep(5_000);
    const unlock = await faults.lockNodes();
    const locked = faults.round(CLEAN);
    await sleep(4_000);
    await unlock();
    await locked;
    await expectServed(['the nodes were locked']);
    // Some are called only where another one throws, or seldom.
    for (const end = Date.now() + 120_000; Date.now() < end; ) {
      const { armed, handlers } = await faults.state();
      const missing = beyond(faults.silent(), NOT_CALLED);
      const late = armed.filter(
        (name) => handlers[name] && missing.includes(withoutLine(name)) && !isAtStop(name),
      );
      if (late.length === 0) break;
      const owners = new Set(late.map(ownerOf));
      await spoil(Object.keys(handlers).filter((name) => owners.has(ownerOf(name)) && !isAtStop(name)));
    }
    await expectServed(['handlers threw twice']);
    faults.killPostgres();
    await expectServed(['the database server was killed'], 60_000);
    const { handlers } = await faults.state();
    await faults.state(...Object.keys(handlers).filter((name) => ownerOf(name) === 'signal'));
    // A stop in the middle of work.
    const last = faults.round(SPOILED);
    await sleep(500);
    faults.daemon.process.kill('SIGTERM');
    await sleep(500);
    faults.daemon.process.kill('SIGTERM');
    expect(await faults.daemon.ended).toBe(0);
    await last;
    expect(unserved).toEqual([]);
    expect(beyond(faults.silent(), NOT_CALLED), 'not thrown and not excused').toEqual([]);
    expect(beyond(NOT_CALLED, [...faults.known()]), 'excused and not there').toEqual([]);
    expect(faults.daemon.log(), 'nothing passed our boundary').not.toMatch(
      /"owner":"(a library|a promise of a library)"/,
    );
  }, 600_000);

  it('throws in a test of its own where no round reaches it', () => {
    for (const [file, handlers] of Object.entries(THROWN_IN)) {
      const text = readFileSync(file, 'utf8');
      expect(text).toMatch(/\b(throwOnce|closedThoughThrown|watchHandlers)\(/);
      for (const owner of handlers.map(ownerOf)) expect(text, file).toContain(`'${owner}'`);
    }
  });

  it('cannot be made to in production: nothing in src sets a watch', () => {
    const setters = globSync('src/**/*.ts').filter((path) =>
      readFileSync(path, 'utf8').includes('watchHandlers('),
    );
    expect(setters).toEqual(['src/platform/boundary.ts']);
  });
});

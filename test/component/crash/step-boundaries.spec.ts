import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeCall } from '../../../src/driver/fake/machine.js';
import { DaemonHome, type RunningDaemon } from '../../support/daemon.js';

/** Every step of the workflows of a deployment, in the order of a life; each is killed before and after it ran. */
const STEPS = {
  verify: ['verify'],
  clean: [
    'prepare_cleaning',
    'collect_clean_steps',
    'erase_devices_metadata',
    'erase_devices',
    'tear_down_cleaning',
  ],
  deploy: [
    'prepare_deploy',
    'deploy',
    'write_image',
    'prepare_instance_boot',
    'tear_down_agent',
    'switch_to_tenant_network',
    'boot_instance',
  ],
  teardown: ['tear_down'],
};
const failpoints = Object.entries(STEPS).flatMap(([kind, steps]) => [
  ...steps.flatMap((step) => [`${kind}.${step}.before`, `${kind}.${step}.after`]),
  `${kind}.end`,
]);

/** Some steps take their time: then they wait for polls, and a kill finds them begun and not done. */
const DELAYS = {
  fake_delay_erase_devices: 0.1,
  fake_delay_deploy: 0.1,
  fake_delay_write_image: 0.1,
  fake_delay_tear_down: 0.1,
};

let home: DaemonHome;
let journals: string;
beforeAll(() => {
  home = new DaemonHome({
    conductor: { heartbeat_interval: 1 },
    // The overwrite of disks is a step of cleaning here.
    deploy: { erase_devices_priority: 10 },
    driver: { enabled_hardware_types: ['fake-hardware'] },
    log: { level: 'info' },
  });
  journals = join(home.directory, 'journals');
  mkdirSync(journals);
});
afterAll(() => home.remove());

/** Each inspected machine has an address of its own. */
let inspected = 0;

async function until(daemon: RunningDaemon, uuid: string, state: string): Promise<void> {
  for (let i = 0; i < 600; i++) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}?fields=provision_state,last_error`);
    if (node['provision_state'] === state) return;
    if (/failed|error/.test(String(node['provision_state']))) break;
    await sleep(25);
  }
  throw new Error(`not ${state}: ${JSON.stringify(await daemon.api('GET', `/v1/nodes/${uuid}`))}`);
}

/** From wherever the node is, one verb after the other, until it was active and is available again. */
async function live(daemon: RunningDaemon, uuid: string): Promise<void> {
  const verbs: Record<string, [string, string]> = {
    enroll: ['manage', 'manageable'],
    manageable: ['provide', 'available'],
    available: ['active', 'active'],
    active: ['deleted', 'available'],
  };
  let wasActive = false;
  for (;;) {
    const node = await daemon.api('GET', `/v1/nodes/${uuid}`);
    const state = String(node['provision_state']);
    const target = node['target_provision_state'];
    if (state === 'available' && (wasActive || node['instance_info'] === null)) return;
    if (target) await until(daemon, uuid, String(target));
    else {
      const [verb, reached] = verbs[state]!;
      await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, { target: verb });
      await until(daemon, uuid, reached);
    }
    wasActive ||= (await daemon.api('GET', `/v1/nodes/${uuid}`))['provision_state'] === 'active';
  }
}

/** One life with a kill at each place: what was killed goes on until the next. */
class Killed {
  #uuid: string | null = null;
  readonly #journal: string;

  constructor(
    name: string,
    /** Without driver_info its machine is what the node's row says, and keeps no journal. */
    private readonly node: { driver_info?: object; instance_info?: object },
    private readonly walk: (daemon: RunningDaemon, uuid: string) => Promise<void>,
  ) {
    this.#journal = `${name}.jsonl`;
  }

  /** Starts the daemon, and goes on with the node until that dies at the place. */
  async dieAt(failpoint: string): Promise<void> {
    // What it resumes may take it there before it is ready.
    const daemon = await home.launch({ ...this.#env, FERRIC_CONDUCTOR__FAILPOINT: failpoint });
    const fate = this.#goOn(daemon).then(
      () => 'lived',
      () => 'died',
    );
    const how = await Promise.race([daemon.ended, fate.then(() => sleep(5_000))]);
    if (how === undefined) await daemon.stop();
    expect(how, `the failpoint was not reached:\n${daemon.log()}`).toBe('SIGKILL');
    expect(await fate).toBe('died');
  }

  /** As `surviveOn`. @returns what the machine noted */
  async liveOn(): Promise<FakeCall[]> {
    await this.surviveOn();
    const lines = readFileSync(join(journals, this.#journal), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as FakeCall);
  }

  /** Starts it a last time. @returns the node as it is then */
  async surviveOn(): Promise<Record<string, unknown>> {
    const daemon = await home.start(this.#env);
    await this.#goOn(daemon);
    const node = await daemon.api('GET', `/v1/nodes/${this.#uuid}`);
    await daemon.stop();
    expect(home.log()).not.toMatch(/"level":"error"/);
    return node;
  }

  get #env(): Record<string, string> {
    return { FERRIC_DRIVER__FAKE_JOURNAL_DIRECTORY: journals };
  }

  async #goOn(daemon: RunningDaemon): Promise<void> {
    if (!(await home.isReady(daemon))) throw new Error(`the daemon did not start:\n${daemon.log()}`);
    const { driver_info, ...node } = this.node;
    const body = {
      driver: 'fake-hardware',
      ...node,
      driver_info: driver_info && { ...driver_info, fake_journal: this.#journal },
    };
    this.#uuid ??= String((await daemon.api('POST', '/v1/nodes', body))['uuid']);
    await this.walk(daemon, this.#uuid);
  }
}

describe('a daemon killed with SIGKILL', () => {
  const killed = new Killed(
    'deployment',
    {
      driver_info: DELAYS,
      instance_info: { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) },
    },
    live,
  );

  it.each(failpoints)('at %s goes on after its next start', (failpoint) => killed.dieAt(failpoint), 60_000);

  it('has written no disk twice', async () => {
    const lines = await killed.liveOn();
    const begun = lines.filter((line) => line.operation !== null && line.phase === 'begin');
    for (const effect of ['write_image', 'erase_devices', 'erase_devices_metadata', 'tear_down']) {
      const operations = begun.filter((line) => line.effect === effect).map((line) => line.operation);
      expect(operations.length, effect).toBeGreaterThan(0);
      expect(operations.length, `one ${effect} for each operation`).toBe(new Set(operations).size);
    }
  }, 60_000);
});

describe('a daemon killed among steps that are committed together', () => {
  const killed = new Killed(
    'inside',
    { instance_info: { image_source: 'http://images/disk.raw', image_checksum: 'a'.repeat(64) } },
    live,
  );

  it.each(['verify.verify.after', 'clean.erase_devices.before', 'deploy.write_image.after', 'deploy.end'])(
    'at %s goes on after its next start',
    (failpoint) => killed.dieAt(failpoint),
    60_000,
  );

  it('ends as if nothing had been', async () => {
    const node = await killed.surviveOn();
    expect(node).toMatchObject({ provision_state: 'available', power_state: 'power off', last_error: null });
  }, 60_000);
});

/** The other verbs in one life, each with the state that it ends in. */
const OTHERS: readonly (readonly [object, string])[] = [
  [{ target: 'manage' }, 'manageable'],
  [{ target: 'inspect' }, 'manageable'],
  [{ target: 'adopt' }, 'active'],
  [{ target: 'service', service_steps: [{ interface: 'vendor', step: 'log_passthrough' }] }, 'active'],
  [{ target: 'rescue', rescue_password: 'canary' }, 'rescue'],
  [{ target: 'unrescue' }, 'active'],
];

describe('a daemon killed in another verb', () => {
  let reached = 0;
  let asked = false;
  const killed = new Killed(
    'others',
    { driver_info: { fake_delay_inspect_hardware: 0.1, fake_delay_rescue: 0.1 } },
    async (daemon, uuid) => {
      for (const [body, state] of OTHERS.slice(reached)) {
        // What was answered 202 needs nobody to ask again.
        const ask = !asked;
        asked = true;
        if (ask) await daemon.api('PUT', `/v1/nodes/${uuid}/states/provision`, body);
        await until(daemon, uuid, state);
        asked = false;
        reached += 1;
      }
    },
  );

  it.each([
    'inspect.inspect_hardware.before',
    'adopt.take_over.after',
    'service.log_passthrough.after',
    'rescue.rescue.before',
    'unrescue.end',
  ])('at %s brings it to its end', (failpoint) => killed.dieAt(failpoint), 60_000);

  it('has done each once', async () => {
    const lines = await killed.liveOn();
    const begun = lines.filter((line) => line.operation !== null && line.phase === 'begin');
    expect(begun.map((line) => line.effect)).toEqual([
      'inspect_hardware',
      'take_over',
      'log_passthrough',
      'rescue',
      'unrescue',
    ]);
  }, 60_000);
});

describe('a daemon killed in an inspection by the ramdisk', () => {
  const env = { FERRIC_INSPECTOR__REQUIRE_MANAGED_BOOT: 'false' };
  /** Killed, and not yet looked after. */
  let left: string | null = null;

  async function inspect(daemon: RunningDaemon): Promise<string> {
    const body = { driver: 'fake-hardware', inspect_interface: 'agent' };
    const uuid = String((await daemon.api('POST', '/v1/nodes', body))['uuid']);
    const path = `/v1/nodes/${uuid}/states/provision`;
    await daemon.api('PUT', path, { target: 'manage' });
    await until(daemon, uuid, 'manageable');
    const report = async () => {
      await until(daemon, uuid, 'inspect wait');
      const address = `52:54:00:00:01:0${inspected++}`;
      const interfaces = [{ name: 'eth0', mac_address: address }];
      const found = { inventory: { interfaces, cpu: { architecture: 'x86_64' } } };
      const answer = await fetch(`${daemon.agentUrl}/v1/continue_inspection?node_uuid=${uuid}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-openstack-ironic-api-version': '1.84' },
        body: JSON.stringify(found),
      });
      expect(answer.status).toBe(202);
    };
    await daemon.api('PUT', path, { target: 'inspect' });
    const reported = report();
    expect(await daemon.ended, `the failpoint was not reached:\n${daemon.log()}`).toBe('SIGKILL');
    await reported;
    return uuid;
  }

  async function expectInspected(daemon: RunningDaemon, uuid: string): Promise<void> {
    await until(daemon, uuid, 'manageable');
    expect(await daemon.api('GET', `/v1/nodes/${uuid}`)).toMatchObject({
      properties: { cpu_arch: 'x86_64' },
      power_state: 'power off',
      last_error: null,
    });
    const { ports } = (await daemon.api('GET', `/v1/nodes/${uuid}/ports`)) as { ports: unknown[] };
    expect(ports).toHaveLength(1);
    await daemon.api('GET', `/v1/nodes/${uuid}/inventory`);
    expect(daemon.log()).not.toMatch(/"level":"error"/);
  }

  it.each(['inspect.read_report.before', 'inspect.read_report.after', 'inspect.tear_down_inspection.after'])(
    'at %s loses no report and makes no port twice',
    async (place) => {
      // The daemon that finishes one node is killed with the next, when that comes to the place: as the second.
      const failpoint = left ? `${place}#2` : place;
      const daemon = await home.start({ ...env, FERRIC_CONDUCTOR__FAILPOINT: failpoint });
      if (left) await expectInspected(daemon, left);
      left = null;
      left = await inspect(daemon);
    },
    60_000,
  );

  it('has lost none and made no port twice at the last either', async () => {
    const daemon = await home.start(env);
    await expectInspected(daemon, left!);
    await daemon.stop();
    // Of all daemons: one that a second try starts finds nothing left to do.
    expect(home.log()).not.toMatch(/"level":"error"/);
  }, 60_000);
});

import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { CALLBACK_CHECK, type ComposedConductor, RULE_CALL } from '../../src/conductor/compose.js';
import { COMPOSED_CONDUCTOR } from '../../src/conductor/conductor.module.js';
import type { PeriodicRunner } from '../../src/conductor/periodic/periodic-runner.js';
import { type Config, configSchema } from '../../src/config/schema.js';
import type { ConductorSettings } from '../../src/config/section/core.js';
import { fakeSection } from '../../src/config/section/fake.js';
import type { InspectorSettings } from '../../src/config/section/inspector.js';
import { Keyring } from '../../src/database/sealing.js';
import type { Actor } from '../../src/domain/actor.js';
import type { RuleEffects } from '../../src/domain/inspection-rule/action.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { FakeCall } from '../../src/driver/fake/machine.js';
import { Sightings } from '../../src/persistence/boot-sighting/sightings.js';
import type { Node } from '../../src/persistence/node/node.entity.js';
import type { Token } from '../../src/platform/injected.js';
import type { Logger } from '../../src/platform/logger.js';
import { AppModule } from '../../src/start/app.module.js';
import { silentLog, type TestDatabase, testKeyring } from './database.js';

export const BY: Actor = {
  via: 'api',
  request_id: 'req-test',
  user: 'test-user',
  project: 'test-project',
  source: '192.0.2.1',
};

export interface FakeConductorOptions {
  settings?: Partial<ConductorSettings>;
  host?: string;
  fake?: Record<string, string>;
  journalDirectory?: string;
  inspector?: Partial<InspectorSettings>;
  agent?: Partial<Config['agent']>;
  /** Mode of the built-in DHCP server; off by default. */
  dhcp?: 'server' | 'proxy';
  callForRule?: RuleEffects['call'];
  log?: Logger;
  allowedRawSteps?: string[];
  /** Sections that replace the defaults. */
  config?: Partial<Config>;
  /** Parts of the daemon to replace. */
  replaced?: readonly (readonly [Token, unknown])[];
}

/** The daemon's own composition on a real database, with fake hardware only; nothing of it is started. */
export async function fakeConductor(database: TestDatabase, options: FakeConductorOptions = {}) {
  const journalDirectory = options.journalDirectory ?? mkdtempSync(join(tmpdir(), 'ferric-fake-'));
  const builder = Test.createTestingModule({
    imports: [
      AppModule.forRoot({
        config: fakeConfig(journalDirectory, options),
        log: options.log ?? silentLog,
        connection: database.connection,
        onReplaced: () => {
          throw new Error('replaced');
        },
      }),
    ],
  });
  const replaced: (readonly [Token, unknown])[] = [
    [DataSource, database.source],
    [Keyring, testKeyring()],
    [RULE_CALL, options.callForRule ?? (() => Promise.reject(new Error('no way out of a test')))],
    [CALLBACK_CHECK, () => {}],
    ...(options.replaced ?? []),
  ];
  for (const [token, value] of replaced) builder.overrideProvider(token).useValue(value);
  const container = await builder.compile();
  const composed = container.get<ComposedConductor>(COMPOSED_CONDUCTOR, { strict: false });
  const { parts } = composed;
  return {
    ...composed,
    async stop(periodic: PeriodicRunner | null): Promise<void> {
      await composed.stop(periodic);
      await container.get(Sightings, { strict: false }).stop();
    },
    /** All parts by their tokens. */
    container,
    journalDirectory,
    async node(driver_info: JsonObject = {}, extra: Partial<Node> = {}): Promise<string> {
      const uuid = randomUUID();
      await composed.conductor.nodes.create(
        { uuid, driver: 'fake-hardware', provision_state: 'enroll', driver_info, ...extra },
        BY,
      );
      return uuid;
    },
    /** Waits until the node has settled in one of these states. */
    async settle(uuid: string, ...states: string[]): Promise<Node> {
      for (const end = performance.now() + 40_000; performance.now() < end; ) {
        const node = await parts.nodes.get(uuid);
        if (states.includes(node.provision_state) && !node.reservation) return node;
        await sleep(10);
      }
      const node = await parts.nodes.get(uuid);
      throw new Error(`node is in ${node.provision_state}, not ${states.join(' or ')}: ${node.last_error}`);
    },
    /** Actions on the machine, from its `fake_journal`. */
    effects(journal: string): string[] {
      const lines = readFileSync(join(journalDirectory, journal), 'utf8').trim().split('\n');
      return lines
        .map((line) => JSON.parse(line) as FakeCall)
        .flatMap((line) => (line.phase === 'begin' ? [line.effect] : []));
    },
    async states(uuid: string): Promise<string[]> {
      const events = await parts.events.ofNode(uuid, 1_000);
      return events.toReversed().flatMap((event) => (event.state ? [event.state] : []));
    },
  };
}

function fakeConfig(directory: string, options: FakeConductorOptions): Config {
  const all = configSchema.parse({});
  const { dhcp } = options;
  return {
    ...all,
    data_dir: directory,
    conductor: {
      ...all.conductor,
      node_locked_retry_interval: 0.1,
      host: options.host ?? 'conductor-1',
      ...options.settings,
    },
    inspector: { ...all.inspector, require_managed_boot: false, ...options.inspector },
    agent: { ...all.agent, public_url: 'http://10.77.0.1:6386', ...options.agent },
    deploy: { ...all.deploy, command_timeout: 2, max_command_attempts: 1 },
    driver: {
      ...onlyFake(all.driver),
      fake_journal_directory: directory,
      allowed_raw_steps: options.allowedRawSteps ?? [],
    },
    fake: fakeSection.parse(options.fake),
    image_service: { ...all.image_service, enabled: false },
    ...(dhcp
      ? { netboot: { ...all.netboot, dhcp: { ...all.netboot.dhcp, interface: 'eth1', mode: dhcp } } }
      : {}),
    ...options.config,
  };
}

function onlyFake(all: Config['driver']): Config['driver'] {
  return {
    ...all,
    enabled_hardware_types: ['fake-hardware'],
    enabled_boot_interfaces: ['fake'],
    enabled_deploy_interfaces: ['fake'],
    enabled_power_interfaces: ['fake'],
    enabled_inspect_interfaces: ['fake', 'agent', 'no-inspect'],
    enabled_rescue_interfaces: ['fake', 'no-rescue'],
    enabled_management_interfaces: ['noop', 'fake'],
    enabled_vendor_interfaces: ['no-vendor', 'fake'],
  };
}

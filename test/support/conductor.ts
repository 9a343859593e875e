import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ComposedConductor, composeConductor } from '../../src/conductor/compose.js';
import type { Requester } from '../../src/conductor/execution/requester.js';
import { sourceRule } from '../../src/conductor/service/source-rule.js';
import { agentSection, type ConductorSettings, conductorSection } from '../../src/config/section/core.js';
import { deploySection } from '../../src/config/section/deploy.js';
import { driverSection } from '../../src/config/section/driver.js';
import { fakeSection } from '../../src/config/section/fake.js';
import { type InspectorSettings, inspectorSection } from '../../src/config/section/inspector.js';
import { ipmiSection } from '../../src/config/section/ipmi.js';
import type { RuleDoors } from '../../src/domain/inspection-rule/action.js';
import type { JsonObject } from '../../src/domain/json.js';
import { AgentInspect } from '../../src/driver/agent/agent-inspect.js';
import { AgentRaid } from '../../src/driver/agent/agent-raid.js';
import { AgentClient } from '../../src/driver/agent/client.js';
import { Ramdisk } from '../../src/driver/agent/ramdisk.js';
import { RamdiskLogs } from '../../src/driver/agent/ramdisk-logs.js';
import type { FakeCall } from '../../src/driver/fake/machine.js';
import { FAKE_HARDWARE } from '../../src/driver/hardware-type/fake-hardware.js';
import {
  fakeImplementations,
  mergeImplementations,
  noopImplementations,
} from '../../src/driver/implementations.js';
import { Ipmitool } from '../../src/driver/ipmi/ipmitool.js';
import { IpmiVendor } from '../../src/driver/ipmi/vendor.js';
import { DriverRegistry } from '../../src/driver/registry.js';
import { AllocationRepository } from '../../src/persistence/allocation/allocation.repository.js';
import { ConductorRecordRepository } from '../../src/persistence/conductor-record/conductor-record.repository.js';
import { DeployTemplateRepository } from '../../src/persistence/deploy-template/deploy-template.repository.js';
import { EventRepository } from '../../src/persistence/event/event.repository.js';
import { InspectionRuleRepository } from '../../src/persistence/inspection-rule/inspection-rule.repository.js';
import { LeaseRepository } from '../../src/persistence/lease/lease.repository.js';
import type { Node } from '../../src/persistence/node/node.entity.js';
import { NodeRepository } from '../../src/persistence/node/node.repository.js';
import { OperationRepository } from '../../src/persistence/operation/operation.repository.js';
import { PortRepository } from '../../src/persistence/port/port.repository.js';
import { PortgroupRepository } from '../../src/persistence/portgroup/portgroup.repository.js';
import {
  VolumeConnectorRepository,
  VolumeTargetRepository,
} from '../../src/persistence/volume/volume.repository.js';
import type { Logger } from '../../src/platform/logger.js';
import { silentLog, type TestDatabase, testKeyring } from './database.js';

export const BY: Requester = { request_id: 'req-test', user: null, project: null };

/** A conductor on a real database with fake hardware alone. */
export function fakeConductor(
  database: TestDatabase,
  options: {
    settings?: Partial<ConductorSettings>;
    host?: string;
    fake?: Record<string, string>;
    journalDirectory?: string;
    inspector?: Partial<InspectorSettings>;
    agent?: Partial<ReturnType<typeof agentSection.parse>>;
    /** Mode of our own DHCP; off by default. */
    dhcp?: 'server' | 'proxy';
    callForRule?: RuleDoors['call'];
    log?: Logger;
    allowedRawSteps?: string[];
  } = {},
) {
  const { source } = database;
  const inspector = { ...inspectorSection.parse({ require_managed_boot: false }), ...options.inspector };
  const agent = { ...agentSection.parse(undefined), ...options.agent };
  const journalDirectory = options.journalDirectory ?? mkdtempSync(join(tmpdir(), 'ferric-fake-'));
  const fakes = fakeImplementations({
    deploy: deploySection.parse(undefined),
    journalDirectory,
    delays: fakeSection.parse(options.fake),
  });
  const client = new AgentClient({ timeout: 2_000, attempts: 1, requireTls: true, ports: [] });
  const inspecting = {
    inspect: [
      new AgentInspect({
        ramdisk: new Ramdisk(client),
        logs: new RamdiskLogs({ client, directory: join(journalDirectory, 'logs'), maxBytes: 1 << 20 }),
        settings: inspector,
        collectLogs: 'on_failure',
        apiUrl: () => 'http://10.77.0.1:6386',
        resolve: () => Promise.resolve([]),
      }),
    ],
  };
  const registry = new DriverRegistry({
    hardwareTypes: [FAKE_HARDWARE],
    implementations: mergeImplementations(noopImplementations(), fakes, inspecting, {
      raid: [new AgentRaid()],
      // Built and not enabled: a machine that no test has.
      vendor: [
        new IpmiVendor(new Ipmitool({ settings: ipmiSection.parse({}), runtimeDirectory: journalDirectory })),
      ],
    }),
    settings: { ...onlyFake(), allowed_raw_steps: options.allowedRawSteps ?? [] },
  });
  const nodes = new NodeRepository(source, testKeyring());
  const parts = {
    source,
    nodes,
    ports: new PortRepository(source),
    portgroups: new PortgroupRepository(source),
    connectors: new VolumeConnectorRepository(source),
    targets: new VolumeTargetRepository(source, testKeyring()),
    operations: new OperationRepository(source, testKeyring()),
    allocations: new AllocationRepository(source),
    templates: new DeployTemplateRepository(source, testKeyring()),
    events: new EventRepository(source),
    conductors: new ConductorRecordRepository(source),
    registry,
    images: { cleanUp: () => Promise.resolve() },
    rules: new InspectionRuleRepository(source, testKeyring()),
    inspector,
    callForRule: options.callForRule ?? (() => Promise.reject(new Error('no way out of a test'))),
    settings: { ...conductorSection.parse(undefined), node_locked_retry_interval: 0.1, ...options.settings },
    host: options.host ?? 'conductor-1',
    sources: sourceRule(
      {
        agent,
        netboot: { dhcp: { interface: options.dhcp ? 'eth1' : null, mode: options.dhcp ?? 'server' } },
        inspector,
      },
      new LeaseRepository(source),
    ),
    checkCallback: () => {},
    onReplaced: () => {
      throw new Error('replaced');
    },
    log: options.log ?? silentLog,
  };
  const composed: ComposedConductor = composeConductor(parts);
  return {
    ...composed,
    parts,
    conductor: composed.conductor,
    journalDirectory,
    async node(driver_info: JsonObject = {}, extra: Partial<Node> = {}): Promise<string> {
      const uuid = randomUUID();
      await composed.conductor.nodes.create(
        { uuid, driver: 'fake-hardware', provision_state: 'enroll', driver_info, ...extra },
        BY,
      );
      return uuid;
    },
    /** Waits until the node rests in one of these states. */
    async settle(uuid: string, ...states: string[]): Promise<Node> {
      for (const end = performance.now() + 40_000; performance.now() < end; ) {
        const node = await nodes.get(uuid);
        if (states.includes(node.provision_state) && !node.reservation) return node;
        await sleep(10);
      }
      const node = await nodes.get(uuid);
      throw new Error(`node is in ${node.provision_state}, not ${states.join(' or ')}: ${node.last_error}`);
    },
    /** What the machine was made to do, from its `fake_journal`. */
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

function onlyFake() {
  const all = driverSection.parse(undefined);
  const known: Record<string, string[]> = { boot: ['fake'], deploy: ['fake'], power: ['fake'] };
  return {
    ...all,
    enabled_hardware_types: ['fake-hardware'],
    enabled_boot_interfaces: known['boot']!,
    enabled_deploy_interfaces: known['deploy']!,
    enabled_power_interfaces: known['power']!,
    enabled_inspect_interfaces: ['fake', 'agent', 'no-inspect'],
    enabled_rescue_interfaces: ['fake', 'no-rescue'],
    enabled_management_interfaces: ['noop', 'fake'],
    enabled_vendor_interfaces: ['no-vendor', 'fake'],
  };
}

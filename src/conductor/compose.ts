import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { ConductorSettings } from '../config/section/core.js';
import type { InspectorSettings } from '../config/section/inspector.js';
import type { RuleDoors } from '../domain/inspection-rule/action.js';
import type { DriverRegistry } from '../driver/registry.js';
import type { AllocationRepository } from '../persistence/allocation/allocation.repository.js';
import type { ConductorRecordRepository } from '../persistence/conductor-record/conductor-record.repository.js';
import type { DeployTemplateRepository } from '../persistence/deploy-template/deploy-template.repository.js';
import type { EventRepository } from '../persistence/event/event.repository.js';
import { HardwareRepository } from '../persistence/hardware/hardware.repository.js';
import type { InspectionRuleRepository } from '../persistence/inspection-rule/inspection-rule.repository.js';
import type { SourceRule } from '../persistence/lease/source-rule.js';
import type { NodeRepository } from '../persistence/node/node.repository.js';
import type { OperationRepository } from '../persistence/operation/operation.repository.js';
import type { PortRepository } from '../persistence/port/port.repository.js';
import type { PortgroupRepository } from '../persistence/portgroup/portgroup.repository.js';
import type {
  VolumeConnectorRepository,
  VolumeTargetRepository,
} from '../persistence/volume/volume.repository.js';
import type { Logger } from '../platform/logger.js';
import { Actions } from './execution/actions.js';
import { createFailpoint } from './execution/failpoint.js';
import { JournalWriter } from './execution/journal-writer.js';
import { NodeContexts } from './execution/node-context.js';
import { OperationEnd } from './execution/operation-end.js';
import { OperationRunner } from './execution/operation-runner.js';
import { recoverStranded } from './execution/recovery.js';
import { Reservations } from './execution/reservation.js';
import { StepPerformer } from './execution/step-performer.js';
import { Takeover } from './execution/takeover.js';
import { Transitions } from './execution/transition.js';
import { InspectionService } from './inspection/inspection-service.js';
import { ReportReader } from './inspection/report-reader.js';
import type { PeriodicRunner } from './periodic/periodic-runner.js';
import { PowerSync } from './periodic/power-sync.js';
import type { PeriodicTask } from './periodic/task.js';
import { periodicTasks } from './periodic/tasks.js';
import { AgentService, type CallbackCheck } from './service/agent-service.js';
import { AllocationService } from './service/allocation-service.js';
import type { Conductor } from './service/conductor.js';
import { DriverService } from './service/driver-service.js';
import { HardwareService } from './service/hardware-service.js';
import { MachineOwner } from './service/machine-owner.js';
import { NodeService } from './service/node-service.js';
import { PortService } from './service/port-service.js';
import { VendorService } from './service/vendor-service.js';
import { VerbAcceptance } from './service/verb-acceptance.js';
import { VerbService } from './service/verb-service.js';
import { VifService } from './service/vif-service.js';
import { VolumeService } from './service/volume-service.js';
import { CleaningPlan } from './workflow/cleaning-plan.js';
import { WAIT_TIMEOUTS, type WaitTimeout } from './workflow/workflow.js';

export interface ConductorParts {
  source: DataSource;
  nodes: NodeRepository;
  ports: PortRepository;
  portgroups: PortgroupRepository;
  connectors: VolumeConnectorRepository;
  targets: VolumeTargetRepository;
  operations: OperationRepository;
  allocations: AllocationRepository;
  templates: DeployTemplateRepository;
  events: EventRepository;
  conductors: ConductorRecordRepository;
  registry: DriverRegistry;
  images: { cleanUp(): Promise<unknown> };
  rules: InspectionRuleRepository;
  settings: ConductorSettings;
  inspector: InspectorSettings;
  /** GETs a URL for an inspection rule. @throws when it does not answer well */
  callForRule: RuleDoors['call'];
  host: string;
  sources: SourceRule;
  checkCallback: CallbackCheck;
  onReplaced: () => void;
  log: Logger;
}

export interface ComposedConductor {
  conductor: Conductor;
  tasks: readonly PeriodicTask[];
  /** Takes the host name, frees what an earlier process of it held and goes on with its work. */
  start(periodic: PeriodicRunner | null): Promise<void>;
  /** Stops in order: nothing new, running steps told to stop, reservations given back. */
  stop(periodic: PeriodicRunner | null): Promise<void>;
}

/** Builds the conductor from its parts; the only place that knows them all. */
export function composeConductor(parts: ConductorParts): ComposedConductor {
  const { settings, host } = parts;
  const instance = randomUUID();
  const failpoint = createFailpoint(settings.failpoint);
  const reservations = new Reservations({
    ...parts,
    leaseSeconds: settings.lease_seconds,
    retryAttempts: settings.node_locked_retry_attempts,
    retryInterval: settings.node_locked_retry_interval,
  });
  const transitions = new Transitions(parts);
  const hardware = new HardwareRepository(parts.source);
  const writer = new JournalWriter({ ...parts, transitions });
  const contexts = new NodeContexts({ ...parts, hardware, writer });
  const reader = new ReportReader({ ...parts, hardware, settings: parts.inspector, call: parts.callForRule });
  const cleaning = new CleaningPlan(parts.registry, settings.automated_clean);
  const end = new OperationEnd({ ...parts, transitions, writer, contexts, cleaning, failpoint });
  const runner = new OperationRunner({
    ...parts,
    reservations,
    transitions,
    writer,
    performer: new StepPerformer(contexts, [reader.step]),
    end,
    failpoint,
    timeouts: Object.fromEntries(WAIT_TIMEOUTS.map((key) => [key, settings[key] * 1000])) as Record<
      WaitTimeout,
      number
    >,
  });
  const wakeNode = (uuid: string) => runner.wakeNode(uuid);
  const acceptance = new VerbAcceptance({ ...parts, contexts, cleaning, limits: settings });
  const actions = new Actions({ ...parts, runner });
  const owner = new MachineOwner({ ...parts, ignored: parts.inspector.ignored_macs });
  const held = { ...parts, reservations, contexts, actions, conductorTimeout: settings.heartbeat_timeout };
  const nodes = new NodeService({
    ...held,
    wakeNode,
    allowDeletingAvailable: settings.allow_deleting_available_nodes,
  });
  const agents = new AgentService({ ...parts, owner, runner });
  const conductor: Conductor = {
    nodes,
    verbs: new VerbService({ ...held, transitions, writer, runner, acceptance, limits: settings }),
    hardware: new HardwareService(held),
    vendor: new VendorService(held),
    ports: new PortService(held),
    vifs: new VifService(held),
    volumes: new VolumeService(held),
    allocations: new AllocationService(held),
    drivers: new DriverService(held),
    agents,
    inspections: new InspectionService({
      ...parts,
      hardware,
      runner,
      agents,
      nodeService: nodes,
      owner,
      settings: parts.inspector,
    }),
  };
  const powerSync = new PowerSync({ ...parts, reservations, contexts, wakeNode });
  const recoverOrphans = async () => {
    await recoverStranded({ ...parts, reservations, transitions });
    await parts.nodes.reservations.releaseExpired();
  };
  const takeover = new Takeover({
    ...parts,
    drivers: parts.registry.driverNames(),
    timeout: settings.heartbeat_timeout,
  });
  const takeOver = async () => {
    if (!(await takeover.run())) return;
    await recoverOrphans();
    await runner.sweep();
  };
  const tasks = periodicTasks({
    ...parts,
    recoverOrphans,
    takeOver,
    powerSync,
    runner,
    allocations: conductor.allocations,
    self: { host, instance },
  });
  return {
    conductor,
    tasks,
    start: async (periodic) => {
      await parts.conductors.register({
        hostname: host,
        conductor_group: '',
        drivers: parts.registry.driverNames(),
        instance,
      });
      const freed = await parts.nodes.reservations.releaseAllOf(host);
      if (freed.length > 0)
        parts.log.info({ nodes: freed.length }, 'freed the reservations of an earlier process');
      reservations.start();
      await takeover.run();
      await recoverOrphans();
      await runner.sweep();
      await conductor.allocations.sweep();
      periodic?.start(tasks);
    },
    stop: async (periodic) => {
      await periodic?.stop();
      await conductor.allocations.stop();
      await runner.stop();
      reservations.stop();
      await parts.conductors.markOffline(host, instance);
    },
  };
}

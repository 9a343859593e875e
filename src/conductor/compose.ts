import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { conductorHost } from '../config/endpoints.js';
import type { RuleEffects } from '../domain/inspection-rule/action.js';
import { DriverRegistry } from '../driver/registry.js';
import { ImageService } from '../image/image-service.js';
import { Sightings } from '../persistence/boot-sighting/sightings.js';
import { SourceRule } from '../persistence/lease/source-rule.js';
import { REPOSITORIES } from '../persistence/resources.js';
import { composed } from '../platform/composed.js';
import { CONFIG } from '../platform/config.module.js';
import { injected, type PartsOf, valueToken } from '../platform/injected.js';
import { LOGGER } from '../platform/logger.module.js';
import { Actions } from './execution/actions.js';
import { Changes } from './execution/changes.js';
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
import { RecordService } from './service/record-service.js';
import { VendorService } from './service/vendor-service.js';
import { VerbAcceptance } from './service/verb-acceptance.js';
import { VerbService } from './service/verb-service.js';
import { VifService } from './service/vif-service.js';
import { VolumeService } from './service/volume-service.js';
import { CleaningPlan } from './workflow/cleaning-plan.js';

/** GETs a URL for an inspection rule. @throws for an error status, or without a response */
export const RULE_CALL = valueToken<RuleEffects['call']>('call of an inspection rule');
export const CALLBACK_CHECK = valueToken<CallbackCheck>('check of callback URLs');
/** Called when another process has taken this conductor's host name. */
export const ON_REPLACED = valueToken<() => void>('on replaced');

/** What the conductor needs from other modules. */
export const CONDUCTOR_PARTS = injected({
  ...REPOSITORIES,
  config: CONFIG,
  log: LOGGER,
  source: DataSource,
  registry: DriverRegistry,
  images: ImageService,
  sources: SourceRule,
  sightings: Sightings,
  callForRule: RULE_CALL,
  checkCallback: CALLBACK_CHECK,
  onReplaced: ON_REPLACED,
});

/** The conductor's own classes, by the name under which a constructor asks for each. */
const CLASSES = {
  reservations: Reservations,
  changes: Changes,
  transitions: Transitions,
  writer: JournalWriter,
  contexts: NodeContexts,
  cleaning: CleaningPlan,
  reader: ReportReader,
  performer: StepPerformer,
  end: OperationEnd,
  runner: OperationRunner,
  takeover: Takeover,
  actions: Actions,
  powerSync: PowerSync,
  owner: MachineOwner,
  acceptance: VerbAcceptance,
  agents: AgentService,
  nodeService: NodeService,
  verbService: VerbService,
  hardwareService: HardwareService,
  vendorService: VendorService,
  portService: PortService,
  vifService: VifService,
  volumeService: VolumeService,
  recordService: RecordService,
  allocationService: AllocationService,
  driverService: DriverService,
  inspectionService: InspectionService,
};

export interface ComposedConductor {
  readonly conductor: Conductor;
  readonly tasks: readonly PeriodicTask[];
  /** All objects that make up the conductor. */
  readonly parts: ConductorRooms;
  /** Takes the host name, releases what an earlier process of that name held and resumes its work. */
  start(periodic: PeriodicRunner | null): Promise<void>;
  /** Stops in order: no new work, running steps aborted, reservations released. */
  stop(periodic: PeriodicRunner | null): Promise<void>;
}

type ConductorRooms = ReturnType<typeof makeRooms>;

function makeRooms(parts: PartsOf<typeof CONDUCTOR_PARTS>) {
  const { conductor: settings, inspector } = parts.config;
  const own = {
    settings,
    inspector,
    host: conductorHost(parts.config),
    instance: randomUUID(),
    failpoint: createFailpoint(settings.failpoint),
  };
  return composed({ ...parts, ...own }, CLASSES);
}

function conductorOf(parts: ConductorRooms): Conductor {
  return {
    nodes: parts.nodeService,
    verbs: parts.verbService,
    hardware: parts.hardwareService,
    vendor: parts.vendorService,
    ports: parts.portService,
    vifs: parts.vifService,
    volumes: parts.volumeService,
    records: parts.recordService,
    allocations: parts.allocationService,
    drivers: parts.driverService,
    agents: parts.agents,
    inspections: parts.inspectionService,
  };
}

/** Builds the conductor; the only place that knows all its parts. */
export function composeConductor(given: PartsOf<typeof CONDUCTOR_PARTS>): ComposedConductor {
  const parts = makeRooms(given);
  const { host, instance, conductors, nodes, registry, reservations, runner, allocationService } = parts;
  const recoverOrphans = async () => {
    await recoverStranded(parts);
    await nodes.reservations.releaseExpired();
  };
  const takeOver = async () => {
    if (!(await parts.takeover.run())) return;
    await recoverOrphans();
    await runner.sweep();
  };
  const tasks = periodicTasks(parts, { recoverOrphans, takeOver });
  return {
    conductor: conductorOf(parts),
    tasks,
    parts,
    start: async (periodic) => {
      const drivers = registry.driverNames();
      await conductors.register({ hostname: host, conductor_group: '', drivers, instance });
      const freed = await nodes.reservations.releaseAllOf(host);
      if (freed.length > 0)
        parts.log.info({ nodes: freed.length }, 'freed the reservations of an earlier process');
      reservations.start();
      await parts.takeover.run();
      await recoverOrphans();
      await runner.sweep();
      await allocationService.sweep();
      periodic?.start(tasks);
    },
    stop: async (periodic) => {
      await periodic?.stop();
      await allocationService.stop();
      await runner.stop();
      reservations.stop();
      await conductors.markOffline(host, instance);
    },
  };
}

import type { InspectionService } from '../inspection/inspection-service.js';
import type { AgentService } from './agent-service.js';
import type { AllocationService } from './allocation-service.js';
import type { DriverService } from './driver-service.js';
import type { HardwareService } from './hardware-service.js';
import type { NodeService } from './node-service.js';
import type { PortService } from './port-service.js';
import type { RecordService } from './record-service.js';
import type { VendorService } from './vendor-service.js';
import type { VerbService } from './verb-service.js';
import type { VifService } from './vif-service.js';
import type { VolumeService } from './volume-service.js';

/**
 * The conductor's services, by subject. Every change of a node goes through here, under the node's reservation: a
 * locked node is retried as configured, then LockedError. This class is Nest's injection token.
 */
export abstract class Conductor {
  abstract readonly nodes: NodeService;
  /** Verbs of `states/provision`, and power. */
  abstract readonly verbs: VerbService;
  /** The machine itself: boot device and mode, indicators, console, RAID, virtual media. */
  abstract readonly hardware: HardwareService;
  abstract readonly vendor: VendorService;
  /** Ports and port groups. */
  abstract readonly ports: PortService;
  abstract readonly vifs: VifService;
  /** Volume connectors and targets. */
  abstract readonly volumes: VolumeService;
  /** What belongs to no node: chassis, deploy templates, runbooks, inspection rules, notes of images. */
  abstract readonly records: RecordService;
  abstract readonly allocations: AllocationService;
  /** Enabled hardware types. */
  abstract readonly drivers: DriverService;
  /** Lookup and heartbeat of ramdisks. */
  abstract readonly agents: AgentService;
  /** Reports of ramdisks. */
  abstract readonly inspections: InspectionService;
}

import { isDatabaseAway, messageOf } from '../../domain/errors.js';
import { refuseForeignTraits } from '../../domain/node/trait.js';
import type { PowerTarget } from '../../domain/power/power.js';
import type { ProvisionVerb } from '../../domain/provision/table.js';
import type { InspectionReport } from '../../driver/contract/inspect.js';
import { INTERFACE_KINDS, type ValidationReport } from '../../driver/contract/interfaces.js';
import type { Vif } from '../../driver/contract/network.js';
import type { DriverDescription, DriverRegistry } from '../../driver/registry.js';
import type { Allocation } from '../../persistence/allocation/allocation.entity.js';
import type { NewAllocation } from '../../persistence/allocation/allocation.repository.js';
import type { ConductorRecordRepository } from '../../persistence/conductor-record/conductor-record.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NewNode, NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { NewPort, PortChanges } from '../../persistence/port/port.repository.js';
import type { Portgroup } from '../../persistence/portgroup/portgroup.entity.js';
import type { PortgroupChanges } from '../../persistence/portgroup/portgroup.repository.js';
import type { VolumeConnector, VolumeTarget } from '../../persistence/volume/volume.entity.js';
import type {
  VolumeConnectorChanges,
  VolumeTargetChanges,
} from '../../persistence/volume/volume.repository.js';
import type { NodeContexts } from '../execution/node-context.js';
import type { Requester } from '../execution/requester.js';
import type { InspectionService } from '../inspection/inspection-service.js';
import type { AgentService } from './agent-service.js';
import type { AllocationService } from './allocation-service.js';
import {
  type ClearNode,
  Conductor,
  type HeartbeatBody,
  type InspectionQuery,
  type ProvisionArguments,
} from './conductor.js';
import type { HardwareService } from './hardware-service.js';
import type { NodeService } from './node-service.js';
import type { PortService } from './port-service.js';
import type { VendorService } from './vendor-service.js';
import type { VerbService } from './verb-service.js';
import type { VifService } from './vif-service.js';
import type { VolumeService } from './volume-service.js';

/** The conductor's front: passes each request to the desk that does it. */
export class ConductorService extends Conductor {
  readonly hardware: HardwareService;
  readonly vendor: VendorService;

  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      conductors: ConductorRecordRepository;
      registry: DriverRegistry;
      contexts: NodeContexts;
      desk: NodeService;
      portDesk: PortService;
      vifDesk: VifService;
      allocating: AllocationService;
      volumeDesk: VolumeService;
      verbs: VerbService;
      agents: AgentService;
      inspections: InspectionService;
      hardware: HardwareService;
      vendor: VendorService;
      conductorTimeout: number;
    },
  ) {
    super();
    this.hardware = deps.hardware;
    this.vendor = deps.vendor;
  }

  createNode(node: NewNode, by: Requester): Promise<Node> {
    return this.deps.desk.create(node, by);
  }

  updateNode(
    ident: string,
    edit: (node: ClearNode) => NodeChanges,
    _by: Requester,
    resetInterfaces = false,
  ): Promise<Node> {
    return this.deps.desk.update(ident, edit, resetInterfaces);
  }

  deleteNode(ident: string, _by: Requester): Promise<void> {
    return this.deps.desk.delete(ident);
  }

  setMaintenance(ident: string, maintenance: boolean, reason: string | null, _by: Requester): Promise<void> {
    return this.deps.desk.setMaintenance(ident, maintenance, reason);
  }

  setPower(ident: string, target: PowerTarget, timeout: number | null, by: Requester): Promise<Node> {
    return this.deps.verbs.setPower(ident, target, timeout, by);
  }

  provision(
    ident: string | Node,
    verb: ProvisionVerb,
    args: ProvisionArguments,
    by: Requester,
  ): Promise<Node> {
    return this.deps.verbs.provision(ident, verb, args, by);
  }

  refuseRaw(steps: readonly { readonly interface: string; readonly step: string }[]): void {
    this.deps.registry.refuseRaw(steps);
  }

  async validate(ident: string): Promise<ValidationReport> {
    const node = await this.deps.nodes.get(ident);
    const context = await this.deps.contexts.forReading(node, AbortSignal.timeout(60_000));
    const report: ValidationReport = {};
    for (const kind of INTERFACE_KINDS) {
      // A vendor interface is judged by the method that is called (Ironic: non_vendor_interfaces).
      if (kind === 'vendor') continue;
      try {
        await context.all[kind].validate(context);
        if (kind === 'deploy') {
          refuseForeignTraits(node.uuid, node.traits, context.node.instance_info['traits']);
        }
        const notice = context.all[kind].notice?.(context);
        report[kind] = { result: true, ...(notice === undefined ? {} : { reason: notice }) };
      } catch (error) {
        if (isDatabaseAway(error)) throw error;
        report[kind] = { result: false, reason: messageOf(error) };
      }
    }
    return report;
  }

  updateVolumeConnector(
    uuid: string,
    edit: (connector: VolumeConnector) => VolumeConnectorChanges,
    _by: Requester,
  ): Promise<VolumeConnector> {
    return this.deps.volumeDesk.updateConnector(uuid, edit);
  }

  deleteVolumeConnector(uuid: string, _by: Requester): Promise<void> {
    return this.deps.volumeDesk.deleteConnector(uuid);
  }

  updateVolumeTarget(
    uuid: string,
    edit: (target: VolumeTarget) => VolumeTargetChanges,
    _by: Requester,
  ): Promise<VolumeTarget> {
    return this.deps.volumeDesk.updateTarget(uuid, edit);
  }

  deleteVolumeTarget(uuid: string, _by: Requester): Promise<void> {
    return this.deps.volumeDesk.deleteTarget(uuid);
  }

  listVifs(ident: string): Promise<Vif[]> {
    return this.deps.vifDesk.list(ident);
  }

  attachVif(ident: string, vif: Vif, _by: Requester): Promise<void> {
    return this.deps.vifDesk.attach(ident, vif);
  }

  detachVif(ident: string, id: string, _by: Requester): Promise<void> {
    return this.deps.vifDesk.detach(ident, id);
  }

  createPort(port: NewPort, _by: Requester): Promise<Port> {
    return this.deps.portDesk.createPort(port);
  }

  updatePort(ident: string, edit: (port: Port, node: Node) => PortChanges, _by: Requester): Promise<Port> {
    return this.deps.portDesk.updatePort(ident, edit);
  }

  deletePort(ident: string, _by: Requester): Promise<void> {
    return this.deps.portDesk.deletePort(ident);
  }

  updatePortgroup(
    ident: string,
    edit: (group: Portgroup, node: Node) => PortgroupChanges,
    _by: Requester,
  ): Promise<Portgroup> {
    return this.deps.portDesk.updatePortgroup(ident, edit);
  }

  deletePortgroup(ident: string, _by: Requester): Promise<void> {
    return this.deps.portDesk.deletePortgroup(ident);
  }

  createAllocation(allocation: NewAllocation, node_uuid: string | null): Promise<Allocation> {
    const { allocating } = this.deps;
    return node_uuid === null ? allocating.create(allocation) : allocating.backfill(allocation, node_uuid);
  }

  deleteAllocation(uuid: string): Promise<void> {
    return this.deps.allocating.delete(uuid);
  }

  async drivers(): Promise<(DriverDescription & { hosts: string[] })[]> {
    const alive = (await this.deps.conductors.list(this.deps.conductorTimeout)).filter((row) => row.alive);
    return this.deps.registry.driverNames().map((name) => ({
      ...this.deps.registry.describe(name),
      hosts: alive.filter((row) => row.drivers.includes(name)).map((row) => row.hostname),
    }));
  }

  async driverProperties(driver: string): Promise<Record<string, string>> {
    return { ...this.deps.registry.properties(driver) };
  }

  lookUp(query: { addresses: readonly string[]; node_uuid: string | null; source: string }) {
    return this.deps.agents.lookUp(query);
  }

  continueInspection(report: InspectionReport, query: InspectionQuery, withToken: boolean, by: Requester) {
    return this.deps.inspections.take(report, query, withToken, by);
  }

  refuseInspection(query: InspectionQuery, reason: string): Promise<void> {
    return this.deps.inspections.refuse(query, reason);
  }

  heartbeat(node_uuid: string, body: HeartbeatBody, source: string): Promise<void> {
    return this.deps.agents.heartbeat(node_uuid, body, source);
  }
}

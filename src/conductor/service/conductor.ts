import type { JsonObject } from '../../domain/json.js';
import type { PowerTarget } from '../../domain/power/power.js';
import type { ProvisionVerb } from '../../domain/provision/table.js';
import type { InspectionReport } from '../../driver/contract/inspect.js';
import type { ValidationReport } from '../../driver/contract/interfaces.js';
import type { Vif } from '../../driver/contract/network.js';
import type { DriverDescription } from '../../driver/registry.js';
import type { Allocation } from '../../persistence/allocation/allocation.entity.js';
import type { NewAllocation } from '../../persistence/allocation/allocation.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NewNode, NodeChanges } from '../../persistence/node/node.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { NewPort, PortChanges } from '../../persistence/port/port.repository.js';
import type { Portgroup } from '../../persistence/portgroup/portgroup.entity.js';
import type { PortgroupChanges } from '../../persistence/portgroup/portgroup.repository.js';
import type { VolumeConnector, VolumeTarget } from '../../persistence/volume/volume.entity.js';
import type {
  VolumeConnectorChanges,
  VolumeTargetChanges,
} from '../../persistence/volume/volume.repository.js';
import type { Requester } from '../execution/requester.js';
import type { HardwareService } from './hardware-service.js';
import type { VendorService } from './vendor-service.js';

/** A node with its secrets in clear: what PATCH works on. Never an answer. */
export type ClearNode = Omit<Node, `${string}_sealed`>;

export interface ProvisionArguments {
  /** gzip+base64 ISO image, URL, or a dict of meta_data, network_data, user_data, vendor_data. */
  configdrive?: string | JsonObject;
  clean_steps?: { interface: string; step: string; args?: JsonObject }[];
  deploy_steps?: { interface: string; step: string; args?: JsonObject; priority: number }[];
  service_steps?: { interface: string; step: string; args?: JsonObject }[];
  disable_ramdisk?: boolean;
  /** For `rescue`; kept sealed until the rescue system has it. */
  rescue_password?: string;
}

export interface HeartbeatBody {
  callback_url: string;
  agent_token?: string;
  agent_version?: string;
  agent_verify_ca?: string;
  agent_status?: string;
  agent_status_message?: string;
}

/** By what a report of a ramdisk is told to be a node's. */
export interface InspectionQuery {
  node_uuid: string | null;
  /** Lower case with colons. */
  macs: readonly string[];
  booted?: string | null;
  bmc_addresses: readonly string[];
  /** The end of the URL that it was given with its boot. */
  secret: string | null;
  source: string;
}

/**
 * What the API asks of the conductor. Every change to a node goes through here, under the node's reservation: a
 * locked node is tried again as configured, then LockedError. Nest's injection token is this class.
 */
export abstract class Conductor {
  /** Fills in interfaces by the hardware type. @throws InvalidError for an unknown driver or interface */
  abstract createNode(node: NewNode, by: Requester): Promise<Node>;
  /**
   * @param edit pure: gets the node in clear under the reservation, returns what changes; throws to refuse
   * @param resetInterfaces with a new driver: interfaces that the edit does not name go back to the type's defaults
   */
  abstract updateNode(
    ident: string,
    edit: (node: ClearNode) => NodeChanges,
    by: Requester,
    resetInterfaces?: boolean,
  ): Promise<Node>;
  abstract deleteNode(ident: string, by: Requester): Promise<void>;
  abstract setMaintenance(
    ident: string,
    maintenance: boolean,
    reason: string | null,
    by: Requester,
  ): Promise<void>;

  /** Durable once it returns; the work goes on by itself. @param timeout seconds */
  abstract setPower(ident: string, target: PowerTarget, timeout: number | null, by: Requester): Promise<Node>;
  /**
   * Durable once it returns; prechecks are done before.
   * @param ident uuid or name, or the node as it was just read
   */
  abstract provision(
    ident: string | Node,
    verb: ProvisionVerb,
    args: ProvisionArguments,
    by: Requester,
  ): Promise<Node>;
  abstract validate(ident: string): Promise<ValidationReport>;
  /** For steps that are kept to be used later. @throws ForbiddenError for raw ones, see `driver.allowed_raw_steps` */
  abstract refuseRaw(steps: readonly { readonly interface: string; readonly step: string }[]): void;

  /** The machine itself: boot device and mode, lights, console, RAID, virtual media. */
  abstract readonly hardware: HardwareService;
  abstract readonly vendor: VendorService;

  /** @param edit pure: gets the connector under the reservation of its node, which must be powered off */
  abstract updateVolumeConnector(
    uuid: string,
    edit: (connector: VolumeConnector) => VolumeConnectorChanges,
    by: Requester,
  ): Promise<VolumeConnector>;
  abstract deleteVolumeConnector(uuid: string, by: Requester): Promise<void>;
  /** @param edit as in `updateVolumeConnector`; secrets are in clear */
  abstract updateVolumeTarget(
    uuid: string,
    edit: (target: VolumeTarget) => VolumeTargetChanges,
    by: Requester,
  ): Promise<VolumeTarget>;
  abstract deleteVolumeTarget(uuid: string, by: Requester): Promise<void>;

  abstract listVifs(ident: string): Promise<Vif[]>;
  abstract attachVif(ident: string, vif: Vif, by: Requester): Promise<void>;
  abstract detachVif(ident: string, id: string, by: Requester): Promise<void>;

  abstract createPort(port: NewPort, by: Requester): Promise<Port>;
  /** @param edit as in `updateNode`; it also gets the node, whose state decides what may change */
  abstract updatePort(
    ident: string,
    edit: (port: Port, node: Node) => PortChanges,
    by: Requester,
  ): Promise<Port>;
  abstract deletePort(ident: string, by: Requester): Promise<void>;

  /** @param edit as in `updatePort` */
  abstract updatePortgroup(
    ident: string,
    edit: (group: Portgroup, node: Node) => PortgroupChanges,
    by: Requester,
  ): Promise<Portgroup>;
  abstract deletePortgroup(ident: string, by: Requester): Promise<void>;
  /**
   * Durable once it returns; a node is looked for in the background.
   * @param node_uuid a node in use that the allocation is written behind, at once
   * @throws ConflictError
   */
  abstract createAllocation(allocation: NewAllocation, node_uuid: string | null): Promise<Allocation>;
  /** @throws NotFoundError, ConflictError while its node is in use */
  abstract deleteAllocation(uuid: string): Promise<void>;

  /** Hardware types that are enabled, with the live conductors that serve them. */
  abstract drivers(): Promise<(DriverDescription & { hosts: string[] })[]>;
  /** @throws NotFoundError for a driver that is not enabled */
  abstract driverProperties(driver: string): Promise<Record<string, string>>;

  /**
   * @returns the node and its agent token: the text at the first lookup, null when it was given out before
   * @throws NotFoundError, the same for every reason
   */
  abstract lookUp(query: {
    addresses: readonly string[];
    node_uuid: string | null;
    source: string;
    /** Whether the ramdisk speaks of tokens: one that does not gets none. Default true. */
    tokens?: boolean;
  }): Promise<{ node: Node; agent_token: string | null }>;
  /**
   * What a ramdisk found: kept before this returns, read in the background.
   * @param withToken as by `lookUp`
   * @throws NotFoundError, the same for every reason; UnavailableError
   */
  abstract continueInspection(
    report: InspectionReport,
    query: InspectionQuery,
    withToken: boolean,
    by: Requester,
  ): Promise<{ node: Node; agent_token: string | null }>;
  /** What a ramdisk found cannot be read: the inspection that waits for it fails, where it is told whose it is. */
  abstract refuseInspection(query: InspectionQuery, reason: string): Promise<void>;
  /** @throws NotFoundError, InvalidError */
  abstract heartbeat(node_uuid: string, body: HeartbeatBody, source: string): Promise<void>;
}

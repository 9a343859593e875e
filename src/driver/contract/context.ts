import type { BiosSetting, FirmwareComponent } from '../../domain/hardware/component.js';
import type { JsonObject } from '../../domain/json.js';
import type { Logger } from '../../platform/logger.js';

/**
 * The node as a driver sees it: it holds secrets in clear text, so never log it whole.
 * Names are the API's.
 */
export interface DriverNode {
  readonly uuid: string;
  readonly name: string | null;
  readonly driver: string;
  readonly driver_info: JsonObject;
  readonly driver_internal_info: JsonObject;
  readonly instance_info: JsonObject;
  readonly instance_uuid: string | null;
  readonly properties: JsonObject;
  readonly extra: JsonObject;
  readonly power_state: string | null;
  readonly provision_state: string;
  readonly target_provision_state: string | null;
  readonly disable_power_off: boolean;
  readonly network_data: JsonObject;
  readonly target_raid_config: JsonObject;
}

export interface DriverPort {
  readonly uuid: string;
  readonly address: string;
  readonly pxe_enabled: boolean;
  readonly extra: JsonObject;
}

/** The node fields that a driver may change. An object replaces the whole column; read-modify-write from `node`. */
export interface NodeChanges {
  driver_internal_info?: JsonObject;
  instance_info?: JsonObject;
  properties?: JsonObject;
  power_state?: string;
  boot_mode?: string | null;
  secure_boot?: boolean | null;
  console_enabled?: boolean;
  raid_config?: JsonObject;
  target_raid_config?: JsonObject;
  /** The complete list: settings not in it are deleted. */
  bios_settings?: readonly BiosSetting[];
  /** Components to update; others stay. */
  firmware_components?: readonly FirmwareComponent[];
  /** The findings of an inspection. */
  inventory?: { inventory: JsonObject; plugin_data: JsonObject };
  /** The findings of an inspection as a report, which the inspect interface's `readReport` reads next. */
  inspection_report?: { inventory: JsonObject; plugin_data: JsonObject };
}

/**
 * The input of an implementation that reads a node and its machine. It can change nothing of the node; a method that
 * changes something takes a `DriverContext`.
 */
export interface ReadContext {
  /** Always the newest committed view: `save` replaces it. */
  readonly node: DriverNode;
  readonly ports: readonly DriverPort[];
  /** A child logger that carries the node's uuid. */
  readonly log: Logger;
  /** An operator, or work that one requested, waits; else the daemon polls by itself and retries failures less. */
  readonly attended: boolean;
  /** Fires when the work must stop: reservation lost, abort, shutdown. Pass it to every call that waits. */
  readonly signal: AbortSignal;
  /**
   * Call right before each external action (BMC command, agent command).
   * @param duration ms the action may take; the reservation, if there is one, must outlive it
   * @throws ReservationLostError
   */
  fence(duration: number): Promise<void>;
  /**
   * Runs work that limits itself, such as the transfer of an image: its time does not count to the limit of the call
   * (`conductor.driver_call_timeout`).
   */
  untimed<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * The input of an implementation for a call that changes something. The conductor builds it under the node's
 * reservation; implementations never import the conductor.
 */
export interface DriverContext extends ReadContext {
  /** Commits changes under the reservation. @throws ReservationLostError when the reservation went to another. */
  save(changes: NodeChanges): Promise<void>;
}

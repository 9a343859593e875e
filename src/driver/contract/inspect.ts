import type { JsonObject } from '../../domain/json.js';
import type { Implementation } from './implementation.js';
import type { StepDeclaration, WorkContext } from './step.js';

/** What a ramdisk told of its machine: whatever runs there says so, it is believed in nothing. */
export interface InspectionReport {
  readonly inventory: JsonObject;
  readonly plugin_data: JsonObject;
}

/** A port as an inspection sees and leaves it. */
export interface InspectedPort {
  /** null: new. */
  readonly uuid: string | null;
  readonly address: string;
  readonly pxe_enabled: boolean;
  readonly extra: JsonObject;
  readonly local_link_connection: JsonObject;
  readonly physical_network: string | null;
}

/** What a report comes to. */
export interface Findings {
  readonly properties: JsonObject;
  /** All that the node has from now on. */
  readonly ports: readonly InspectedPort[];
  readonly plugin_data: JsonObject;
}

/** Finds out what a machine is made of. The work itself is in steps of kind `inspect`. */
export interface InspectInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** Called once when an inspection failed or was aborted: takes back what was published for it. Idempotent. */
  cleanUp(context: WorkContext): Promise<void>;
  /**
   * There where the machine's ramdisk reports by itself (continue_inspection): the conductor writes down what the
   * report comes to, between the steps of a priority above and below 60.
   * @param before ports and the inventory of the last inspection
   * @throws InvalidError, which fails the inspection
   */
  readReport?(
    context: WorkContext,
    report: InspectionReport,
    before: { ports: readonly InspectedPort[]; inventory: JsonObject | null },
  ): Promise<Findings>;
}

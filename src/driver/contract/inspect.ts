import type { JsonObject } from '../../domain/json.js';
import type { Implementation } from './implementation.js';
import type { StepDeclaration, WorkContext } from './step.js';

/** A ramdisk's report of its machine. It is untrusted: any program on the machine can send it. */
export interface InspectionReport {
  readonly inventory: JsonObject;
  readonly plugin_data: JsonObject;
}

/** A port before and after an inspection. */
export interface InspectedPort {
  /** null: new. */
  readonly uuid: string | null;
  readonly address: string;
  readonly pxe_enabled: boolean;
  readonly extra: JsonObject;
  readonly local_link_connection: JsonObject;
  readonly physical_network: string | null;
}

/** The result of a report. */
export interface Findings {
  readonly properties: JsonObject;
  /** All ports of the node from now on. */
  readonly ports: readonly InspectedPort[];
  readonly plugin_data: JsonObject;
}

/** Discovers a machine's hardware. The work itself is in steps of kind `inspect`. */
export interface InspectInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** Called once when an inspection failed or was aborted: withdraws what was published for it. Idempotent. */
  cleanUp(context: WorkContext): Promise<void>;
  /** The machine's ramdisk reports by itself (continue_inspection); else a step saves the report. */
  readonly byRamdisk?: true;
  /**
   * Present if findings come as a report: the conductor records them between the steps of a priority above 60 and those
   * below.
   * @param before ports and inventory of the last inspection
   * @throws InvalidError, which fails the inspection
   */
  readReport?(
    context: WorkContext,
    report: InspectionReport,
    before: { ports: readonly InspectedPort[]; inventory: JsonObject | null },
  ): Promise<Findings>;
}

import type { Json, JsonObject } from '../../domain/json.js';
import type { DriverContext } from './context.js';

/** What a RAID step is entered with. */
export interface RaidContext extends DriverContext {
  readonly step: { readonly name: string; readonly args: JsonObject };
}

/** Of a RAID interface whose steps the agent runs. */
export interface AgentRaidWork {
  /** What a command says of the node besides what each says, and the step's arguments. @throws InvalidError */
  told(context: RaidContext): { node: JsonObject; args: JsonObject };
  /** Keeps what the agent returned. */
  keep(context: RaidContext, result: Json | undefined): Promise<void>;
}

import type { Json, JsonObject } from '../../domain/json.js';
import type { DriverContext } from './context.js';

/** The input of a RAID step. */
export interface RaidContext extends DriverContext {
  readonly step: { readonly name: string; readonly args: JsonObject };
}

/** The work of a RAID interface whose steps the agent runs. */
export interface AgentRaidWork {
  /** Node fields that the command carries in addition, and the step's arguments. @throws InvalidError */
  agentRequest(context: RaidContext): { node: JsonObject; args: JsonObject };
  /** Saves what the agent returned. */
  keep(context: RaidContext, result: Json | undefined): Promise<void>;
}

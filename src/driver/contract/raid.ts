import type { JsonObject } from '../../domain/json.js';
import type { AgentRaidWork } from './agent-raid.js';
import type { ReadContext } from './context.js';
import type { Implementation } from './implementation.js';
import type { StepDeclaration } from './step.js';

/** Steps create and delete the configuration; target and result are in the node's fields. */
export interface RaidInterface extends Implementation {
  readonly steps?: readonly StepDeclaration[];
  /** Property of a logical disk to its description; null: the node has no RAID interface. */
  readonly logicalDiskProperties: Readonly<Record<string, string>> | null;
  /** @throws InvalidError, UnsupportedError */
  checkConfiguration(context: ReadContext, config: JsonObject): void;
  /** For an interface whose steps the agent runs; absent: the agent's RAID steps are not offered. */
  readonly ofAgent?: AgentRaidWork;
}

import { FerricError, messageOf } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { MalformedBody } from '../../protocol/agent/malformed-body.js';
import { type AgentStep, parseStepList, type StepKind } from '../../protocol/agent/step.js';
import type { InternalInfo } from '../contract/internal-info.js';
import type { WorkContext } from '../contract/step.js';
import { agentNode, agentPorts } from './agent-node.js';
import type { AgentClient } from './client.js';

export interface AgentSteps {
  offered: AgentStep[];
  /** For driver_internal_info, under Ironic's names. */
  kept: Partial<InternalInfo>;
}

/**
 * Asks the agent for its steps; the request gives the agent the node.
 * @throws AgentBusyError, FerricError agent-unreachable, agent-failed
 */
export async function readStepList(
  client: AgentClient,
  context: WorkContext,
  kind: StepKind,
): Promise<AgentSteps> {
  const { command_result } = await client.call(context, `${kind}.get_${kind}_steps`, {
    node: agentNode(context.node),
    ports: agentPorts(context),
  });
  try {
    const list = parseStepList(kind, command_result);
    // RAID steps are offered only where the RAID interface delegates them to the agent (AgentRAID.get_clean_steps).
    const listed = Object.values(list.steps).flat();
    const { ofAgent } = context.interfaces.raid;
    const offered = listed.filter((step) => step.interface !== 'raid' || ofAgent !== undefined);
    const byInterface: JsonObject = Object.fromEntries(
      [...new Set(offered.map((step) => step.interface))].map((name) => [
        name,
        offered.filter((step) => step.interface === name) as unknown as Json,
      ]),
    );
    return {
      offered,
      kept: {
        [`agent_cached_${kind}_steps`]: byInterface,
        hardware_manager_version: list.hardware_manager_version as JsonObject,
      },
    };
  } catch (error) {
    if (!(error instanceof MalformedBody)) throw error;
    throw new FerricError(
      'agent-failed',
      `The agent’s list of ${kind} steps is malformed: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

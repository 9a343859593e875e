import { FerricError, InvalidError } from '../../domain/errors.js';
import { checkRaidConfiguration, LOGICAL_DISK_PROPERTIES } from '../../domain/hardware/raid.js';
import { asksSoftwareRaid, softwareRaid } from '../../domain/hardware/software-raid.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { capabilitiesOf } from '../capabilities.js';
import type { AgentRaidWork, RaidContext } from '../contract/agent-raid.js';
import type { ReadContext } from '../contract/context.js';
import type { RaidInterface } from '../contract/raid.js';
import type { StepDeclaration } from '../contract/step.js';
import { createdVolumes, VOLUME_ARGUMENTS } from '../raid-volumes.js';

const byAgent = {
  interface: 'raid',
  priority: 0,
  abortable: true,
  rerunnable: true,
  visible: true,
  byAgent: true,
  run: async (context) => {
    throw new FerricError('internal', `${context.step.name} is the agent’s to run`);
  },
} as const satisfies Partial<StepDeclaration>;

const APPLY = {
  raid_config: { description: 'The RAID configuration to apply.', required: true },
  delete_existing: {
    description:
      "Setting this to 'True' indicates to delete existing RAID configuration prior to creating the new configuration. Default value is 'True'.",
  },
};

/**
 * RAID interface `agent`: the agent in the ramdisk creates the arrays, as software RAID with mdadm or through one of
 * its hardware managers (Ironic: drivers/modules/agent.py, AgentRAID).
 */
export class AgentRaid implements RaidInterface {
  readonly name = 'agent';
  readonly properties = {};
  readonly logicalDiskProperties = LOGICAL_DISK_PROPERTIES;
  readonly steps: readonly StepDeclaration[] = [
    { ...byAgent, name: 'create_configuration', kind: 'clean', args: VOLUME_ARGUMENTS },
    { ...byAgent, name: 'delete_configuration', kind: 'clean' },
    { ...byAgent, name: 'apply_configuration', kind: 'deploy', args: APPLY },
    { ...byAgent, name: 'apply_configuration', kind: 'service', args: APPLY },
  ];
  readonly ofAgent: AgentRaidWork = { agentRequest, keep };

  async validate(context: ReadContext): Promise<void> {
    const target = context.node.target_raid_config;
    if (Object.keys(target).length > 0) this.checkConfiguration(context, target);
  }

  checkConfiguration(_context: ReadContext, config: JsonObject): void {
    judge(config);
  }
}

/** Refuses, before the machine boots, what is invalid for any disks; the agent validates it against its own disks. */
function judge(config: JsonObject): void {
  if (asksSoftwareRaid(config)) softwareRaid(config);
  else checkRaidConfiguration(config);
}

/** create_configuration reads its target from the node: the requested part of it. */
function agentRequest(context: RaidContext): { node: JsonObject; args: JsonObject } {
  const { step, node } = context;
  if (step.name === 'apply_configuration') {
    const config = step.args['raid_config'];
    if (!isObject(config)) throw new InvalidError('raid_config must be an object');
    judge(config);
    return { node: { target_raid_config: node.target_raid_config }, args: step.args };
  }
  if (step.name !== 'create_configuration') {
    return { node: { target_raid_config: node.target_raid_config }, args: step.args };
  }
  const disks = createdVolumes(context);
  return { node: { target_raid_config: { ...node.target_raid_config, logical_disks: disks } }, args: {} };
}

async function keep(context: RaidContext, result: Json | undefined): Promise<void> {
  if (context.step.name === 'delete_configuration') {
    const { root_device: _gone, ...properties } = context.node.properties;
    await context.save({ raid_config: {}, properties });
    return;
  }
  if (context.step.name !== 'create_configuration' && context.step.name !== 'apply_configuration') return;
  if (!isObject(result) || !Array.isArray(result['logical_disks'])) {
    throw new FerricError(
      'agent-failed',
      `The agent did not return the configuration of the RAID that it built on ${context.node.uuid}: it may know no ` +
        'controller of the configuration (software RAID wants controller: software).',
    );
  }
  const disks = result['logical_disks'].filter(isObject);
  const root = disks.find((disk) => disk['is_root_volume'] === true);
  await context.save({
    raid_config: { ...result, last_updated: new Date().toISOString() },
    ...(root ? { properties: withRoot(context.node.properties, root) } : {}),
  });
}

/** Properties of the root volume for schedulers and the next deployment (ironic/common/raid.py, update_raid_info). */
function withRoot(properties: JsonObject, root: JsonObject): JsonObject {
  const { size_gb, root_device_hint, raid_level } = root;
  const capabilities = { ...capabilitiesOf(properties['capabilities']), raid_level: String(raid_level) };
  return {
    ...properties,
    ...(typeof size_gb === 'number' ? { local_gb: size_gb } : {}),
    ...(isObject(root_device_hint) ? { root_device: root_device_hint } : {}),
    capabilities: Object.entries(capabilities)
      .map(([key, value]) => `${key}:${value}`)
      .join(','),
  };
}

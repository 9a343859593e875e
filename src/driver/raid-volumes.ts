import { InvalidError } from '../domain/errors.js';
import { isObject, type Json } from '../domain/json.js';
import type { RaidContext } from './contract/agent-raid.js';
import type { StepDeclaration } from './contract/step.js';

export const VOLUME_ARGUMENTS = {
  create_root_volume: {
    description: 'Setting this to False indicates not to create the root volume. Default value is True.',
  },
  create_nonroot_volumes: {
    description: 'Setting this to False indicates not to create non-root volumes. Default value is True.',
  },
} as const satisfies StepDeclaration['args'];

/**
 * The logical disks of the node's target configuration that a step is to create (ironic/common/raid.py,
 * filter_target_raid_config).
 * @throws InvalidError when there are none
 */
export function createdVolumes({ node, step }: RaidContext): Json[] {
  const disks = node.target_raid_config['logical_disks'];
  if (!Array.isArray(disks)) throw new InvalidError(`Node ${node.uuid} has no target RAID configuration.`);
  const kept = disks.filter((disk) => {
    const wanted = isObject(disk) && disk['is_root_volume'] ? 'create_root_volume' : 'create_nonroot_volumes';
    return step.args[wanted] !== false;
  });
  if (kept.length === 0) {
    throw new InvalidError(`Node ${node.uuid} has empty target RAID configuration after skipping volumes.`);
  }
  return kept;
}

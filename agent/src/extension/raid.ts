import type { SoftwareRaid } from '../raid/software-raid.js';
import type { OfferedStep } from './step.js';

const common = { interface: 'raid', priority: 0, reboot_requested: false } as const;

const APPLY_ARGUMENTS = {
  raid_config: { description: 'The RAID configuration to apply.', required: true },
  delete_existing: {
    description:
      "Setting this to 'True' indicates to delete existing RAID configuration prior to creating the new configuration. Default value is 'True'.",
    required: false,
  },
};

/** Steps of cleaning and service: the target is in the node. */
export function raidSteps(raid: SoftwareRaid): OfferedStep[] {
  return [
    {
      ...common,
      step: 'delete_configuration',
      abortable: true,
      run: async () => {
        await raid.delete();
        return null;
      },
    },
    {
      ...common,
      step: 'create_configuration',
      abortable: true,
      run: async (_args, node) => raid.create(node['target_raid_config'], node),
    },
  ];
}

/** Step of a deployment and of service: the target is an argument. */
export function applyRaidStep(raid: SoftwareRaid): OfferedStep {
  return {
    ...common,
    step: 'apply_configuration',
    argsinfo: APPLY_ARGUMENTS,
    run: async (args, node) => {
      if (args['delete_existing'] !== false) await raid.delete();
      return raid.create(args['raid_config'], node);
    },
  };
}

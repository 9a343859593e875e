import type { Extension } from '../command-board.js';
import { parseImageInfo } from '../image/image-info.js';
import { type CleanTools, eraseAllMetadata } from './clean.js';
import { applyRaidStep, raidSteps } from './raid.js';
import type { Standby } from './standby.js';
import { type OfferedStep, stepExtension } from './step.js';

export function deployExtension(tools: CleanTools, standby: Standby): Extension {
  const steps: OfferedStep[] = [
    {
      step: 'erase_devices_metadata',
      priority: 0,
      interface: 'deploy',
      reboot_requested: false,
      run: async () => {
        await eraseAllMetadata(tools);
        return null;
      },
    },
    {
      step: 'write_image',
      // Conductors run it from their own step of the same name, which has the priority.
      priority: 0,
      interface: 'deploy',
      reboot_requested: false,
      run: async (args, _node, context) => {
        parseImageInfo(args['image_info']);
        return { result: `prepare_image: ${await standby.prepareImage(args, context)}` };
      },
    },
  ];
  return stepExtension('deploy', [...steps, applyRaidStep(tools.raid)], tools.node);
}

/** Steps for a machine with a deployed instance. */
export function serviceExtension({ node, raid }: CleanTools): Extension {
  return stepExtension('service', [...raidSteps(raid), applyRaidStep(raid)], node);
}

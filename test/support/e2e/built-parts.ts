import { buildDeployRamdisk, buildImage } from '../../../demo/parts.js';
import { sharedRoot } from '../../../demo/rack.js';

/** Once before the first file: two that build into one cache at the same time would be in each other's way. */
export async function setup(): Promise<void> {
  const { cache } = sharedRoot();
  await buildImage(cache, { system: 'tiny', format: 'raw' });
  await buildDeployRamdisk(cache);
}

import { buildDeployRamdisk, buildImage } from '../../../demo/parts.js';
import { sharedRoot } from '../../../demo/rack.js';

/** Runs once before the first file: two concurrent builds into one cache would conflict. */
export async function setup(): Promise<void> {
  const { cache } = sharedRoot();
  await buildImage(cache, { system: 'tiny', format: 'raw' });
  await buildDeployRamdisk(cache);
}

import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FerricError } from '../domain/errors.js';
import { isWithin } from '../domain/image/file-path.js';
import type { FilePlaces } from './fetch/open-file.js';

/**
 * Refuses a start where users may name files in Ferric's own directories: one project could read the images of all.
 * @throws FerricError naming both
 */
export function checkPlaces({ allowed, own }: FilePlaces): void {
  for (const directory of allowed)
    for (const place of own) {
      const [real, mine] = [realPlace(directory), realPlace(place)];
      if (real !== mine && !isWithin(mine, real) && !isWithin(real, mine)) continue;
      throw new FerricError(
        'invalid',
        `image.allowed_file_paths: ${directory} and Ferric's own ${place} lie in one another: whoever names a file:// ` +
          'image could read what is kept there. Name a narrower directory, or move data_dir.',
      );
    }
}

/** The path with links resolved as far as it exists. */
function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Missing or unreadable: the name is kept as it is.
    return dirname(path) === path ? path : join(realPlace(dirname(path)), basename(path));
  }
}

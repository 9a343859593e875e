import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FerricError } from '../domain/errors.js';
import { isWithin } from '../domain/image/file-path.js';
import type { FilePlaces } from './fetch/open-file.js';

/**
 * Ferric's own places must not be where users may name files: what one project had fetched would be everybody's.
 * @throws FerricError naming both, for the start
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

/** With links resolved as far as there is something. */
function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet, or not to be looked at: its name is all there is.
    return dirname(path) === path ? path : join(realPlace(dirname(path)), basename(path));
  }
}

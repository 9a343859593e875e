// Which local files may be images. Only text is checked: whoever opens the file must handle links.
import { InvalidError } from '../errors.js';

export const DEFAULT_FILE_PATHS = ['/var/lib/ironic', '/var/lib/ferric/images', '/images'];
/** Refused even where they are allowed: devices, kernel interfaces, the system's own configuration. */
const FORBIDDEN = ['/dev', '/sys', '/proc', '/boot', '/run', '/etc'];

export function isWithin(path: string, directory: string): boolean {
  const parent = directory.endsWith('/') ? directory : `${directory}/`;
  return path.startsWith(parent) && path.length > parent.length;
}

/**
 * @param path absolute and without `.` or `..` segments, as `parseImageReference` returns it
 * @param field the name of the value, for the message
 * @param own Ferric's own files and directories, which are never images, even where they are allowed
 * @throws InvalidError when the path is under no allowed directory, or under a forbidden one
 */
export function checkFilePath(
  path: string,
  allowed: readonly string[],
  field: string,
  own: readonly string[] = [],
): void {
  const forbidden = FORBIDDEN.find((directory) => path === directory || isWithin(path, directory));
  if (forbidden !== undefined) throw new InvalidError(`${field}: files under ${forbidden} are never images.`);
  if (own.some((place) => path === place || isWithin(path, place)))
    throw new InvalidError(`${field}: Ferric's own files are never images.`);
  if (!allowed.some((directory) => isWithin(path, directory)))
    throw new InvalidError(
      `${field}: the file is under none of the allowed directories (${allowed.join(', ') || 'none'}).`,
    );
}

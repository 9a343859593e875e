// The target of a value such as image_source or deploy_kernel.
import { InvalidError } from '../errors.js';

export type ImageReference =
  | { kind: 'glance'; id: string; href: string }
  | { kind: 'http'; url: string; href: string }
  | { kind: 'file'; path: string; href: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_LENGTH = 4096;

/**
 * @param field the name of the value, for the message
 * @throws InvalidError for anything but a Glance UUID, glance://UUID, http(s):// or file:// URL
 */
export function parseImageReference(value: unknown, field: string): ImageReference {
  if (typeof value !== 'string' || value === '')
    throw new InvalidError(`${field}: must be a non-empty string.`);
  if (value.length > MAX_LENGTH) throw new InvalidError(`${field}: is longer than ${MAX_LENGTH} characters.`);
  if (/[^\x21-\x7e]/.test(value))
    throw new InvalidError(`${field}: has a space, a control character or a character that is not ASCII.`);
  if (UUID.test(value)) return glance(value);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(value)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'glance': {
      const id = value.slice('glance://'.length);
      if (!/^glance:\/\//i.test(value) || !UUID.test(id))
        throw new InvalidError(`${field}: glance:// must be followed by an image UUID.`);
      return glance(id);
    }
    case 'http':
    case 'https':
      return { kind: 'http', url: parseHttpUrl(value, field), href: value };
    case 'file':
      return { kind: 'file', path: parseFileUrl(value, field), href: value };
    case 'oci':
      throw new InvalidError(`${field}: oci:// images are not supported.`);
    default:
      throw new InvalidError(
        `${field}: must be an Image service UUID, or a glance://, http://, https:// or file:// URL.`,
      );
  }
}

function glance(id: string): ImageReference {
  const lower = id.toLowerCase();
  return { kind: 'glance', id: lower, href: `glance://${lower}` };
}

/**
 * The normalized URL, without a fragment.
 * @throws InvalidError also for credentials: they would show in answers, logs and boot files
 */
export function parseHttpUrl(value: string, field: string): string {
  if (!/^https?:\/\/[^/]/i.test(value) || value.includes('\\') || !URL.canParse(value))
    throw new InvalidError(`${field}: is not a valid URL.`);
  const url = new URL(value);
  if (url.username !== '' || url.password !== '')
    throw new InvalidError(`${field}: must not contain a user name or password.`);
  url.hash = '';
  return url.href;
}

function parseFileUrl(value: string, field: string): string {
  const match = /^file:\/\/(localhost)?(\/[^?#]*)$/i.exec(value);
  if (!match) throw new InvalidError(`${field}: must be file:/// and an absolute path, without ? or #.`);
  let path: string;
  try {
    path = decodeURIComponent(match[2]!);
  } catch {
    throw new InvalidError(`${field}: has a percent sign that encodes nothing.`);
  }
  if (path.includes('\0')) throw new InvalidError(`${field}: has a NUL character.`);
  const segments = path.split('/').slice(1);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new InvalidError(`${field}: has an empty, "." or ".." segment in its path.`);
  return path;
}

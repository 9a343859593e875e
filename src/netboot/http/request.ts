import { bootName } from '../../domain/boot-name.js';

/** What a request asks for. Pure: no file is touched. */

/**
 * The published name that a request target stands for; null where it cannot be one.
 * @param target as received: `/name?query`. Encoded slashes, NULs and percent signs are refused
 */
export function nameOf(target: string): string | null {
  if (!target.startsWith('/')) return null;
  const path = target.slice(1).split('?', 1)[0]!;
  if (/%2f|%00|%25|%(?![0-9a-f]{2})/i.test(path)) return null;
  return bootName(
    path.replace(/%(..)/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}

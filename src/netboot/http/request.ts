/** What a request asks for, read without a look at any file: pure. */

/**
 * The exact name that a request target stands for, or null where it can stand for none.
 * @param target as it came: `/name?query`. Encoded slashes, NULs, backslashes and dot segments are nobody's name
 */
export function nameOf(target: string): string | null {
  if (!target.startsWith('/')) return null;
  const path = target.slice(1).split('?', 1)[0]!;
  if (/%2f|%5c|%00|%25/i.test(path)) return null;
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return null; // a bad escape
  }
  if (!/^[\x21-\x7e]{1,255}$/.test(name) || name.includes('\\')) return null;
  return name.split('/').some((part) => part === '' || part === '.' || part === '..') ? null : name;
}

/** A name as the log has it: without the token that makes an image's name one that nobody guesses. */
export function shownName(name: string): string {
  return name.replace(/\/[\w-]{32}$/, '/******');
}

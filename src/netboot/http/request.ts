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

export interface Version {
  size: number;
  /** With its quotes; strong. */
  etag: string;
  /** Milliseconds; HTTP dates have whole seconds. */
  modified: number;
}

export interface Conditions {
  range?: string | undefined;
  ifRange?: string | undefined;
  ifNoneMatch?: string | undefined;
  ifModifiedSince?: string | undefined;
}

export type Selection =
  | { status: 200; start: 0; length: number }
  | { status: 206; start: number; length: number }
  | { status: 304 }
  | { status: 416 };

/** Which bytes of a version a GET or HEAD gets (RFC 9110 §13.2.2 and §14). */
export function select(version: Version, conditions: Conditions): Selection {
  const { ifNoneMatch, ifModifiedSince } = conditions;
  if (ifNoneMatch !== undefined) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    if (tags.includes('*') || tags.includes(version.etag)) return { status: 304 };
  } else if (ifModifiedSince !== undefined) {
    const since = Date.parse(ifModifiedSince);
    if (Math.floor(version.modified / 1000) * 1000 <= since) return { status: 304 };
  }
  const whole: Selection = { status: 200, start: 0, length: version.size };
  const { range, ifRange } = conditions;
  if (range === undefined || (ifRange !== undefined && !same(version, ifRange))) return whole;
  const asked = /^bytes=(.*)$/i.exec(range)?.[1];
  if (asked === undefined) return whole;
  // Several ranges in one answer are of no use to firmware and a way to make one request cost thousands.
  if (asked.includes(',')) return { status: 416 };
  const [, first, last] = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(asked) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return whole;
  if (first === '') {
    const length = Math.min(Number(last), version.size);
    return length > 0 ? { status: 206, start: version.size - length, length } : { status: 416 };
  }
  const start = Number(first);
  const end = last === '' ? version.size - 1 : Math.min(Number(last), version.size - 1);
  if (last !== '' && Number(last) < start) return whole; // not a range at all: RFC 9110 §14.1.1
  return start < version.size ? { status: 206, start, length: end - start + 1 } : { status: 416 };
}

/** RFC 9110 §13.1.5: an entity tag must be the same and strong, a date exactly the same. */
function same(version: Version, ifRange: string): boolean {
  const value = ifRange.trim();
  if (value.startsWith('"')) return value === version.etag;
  return Date.parse(value) === Math.floor(version.modified / 1000) * 1000;
}

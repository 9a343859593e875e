// Which bytes of a file answer a GET or HEAD. RFC 9110 §13 and §14.

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

/** Which bytes of a version answer a GET or HEAD (RFC 9110 §13.2.2 and §14). */
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
  // Firmware never needs several ranges in one answer, and they would make one request cost thousands.
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

/** RFC 9110 §13.1.5: an entity tag must be equal and strong, a date exactly equal. */
function same(version: Version, ifRange: string): boolean {
  const value = ifRange.trim();
  if (value.startsWith('"')) return value === version.etag;
  return Date.parse(value) === Math.floor(version.modified / 1000) * 1000;
}

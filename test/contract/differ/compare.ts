import type { Normal } from './normalise.js';

/** One place in which two answers are not the same; a key that is not there is `absent`. */
export interface Difference {
  /** `status`, `headers.location`, `body.nodes[0].name`. */
  path: string;
  theirs: string;
  ours: string;
}

/**
 * Answers of two statuses have nothing to compare further: they differ in one place. So do two errors of two forms.
 * @returns every difference, in the order of the paths as found
 */
export function compare(theirs: Normal, ours: Normal): Difference[] {
  const found: Difference[] = [];
  if (theirs.status !== ours.status) {
    return [{ path: 'status', theirs: summary(theirs), ours: summary(ours) }];
  }
  walk('headers', theirs.headers, ours.headers, found);
  if (theirs.status >= 400 && formOf(theirs.body) !== formOf(ours.body)) {
    found.push({ path: 'body', theirs: shown(theirs.body), ours: shown(ours.body) });
  } else {
    walk('body', theirs.body, ours.body, found);
  }
  return found;
}

const SHOWN = 300;

function summary({ status, body }: Normal): string {
  return `${status} ${shown(faultOf(body) ?? body).slice(0, SHOWN)}`;
}

function faultOf(body: unknown): unknown {
  const fault = (body as { error_message?: { faultstring?: string } } | null | undefined)?.error_message;
  return fault?.faultstring;
}

/** The keys of an error, of its inner object too. */
function formOf(body: unknown): string {
  if (!isObject(body)) return typeof body;
  const inner = body['error_message'];
  return [...Object.keys(body), ...(isObject(inner) ? Object.keys(inner) : [])].sort().join();
}

function walk(path: string, theirs: unknown, ours: unknown, found: Difference[]): void {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (walkIdentified(path, theirs, ours, found)) return;
    for (let at = 0; at < Math.max(theirs.length, ours.length); at++) {
      walk(`${path}[${at}]`, theirs[at], ours[at], found);
    }
  } else if (isObject(theirs) && isObject(ours)) {
    for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
      walk(path === '' ? key : `${path}.${key}`, theirs[key], ours[key], found);
    }
  } else if (!Object.is(theirs, ours)) {
    found.push({ path, theirs: shown(theirs), ours: shown(ours) });
  }
}

/**
 * Items with an identity: other items or another order is one difference, each item in both is compared with itself.
 * @returns whether the items had one
 */
function walkIdentified(path: string, theirs: unknown[], ours: unknown[], found: Difference[]): boolean {
  const identify = (items: unknown[]) =>
    items.map((item) => {
      if (!isObject(item)) return undefined;
      const id = item['uuid'] ?? item['hostname'] ?? item['name'];
      return typeof id === 'string' ? id : undefined;
    });
  const [theirIds, ourIds] = [identify(theirs), identify(ours)];
  if ([...theirIds, ...ourIds].includes(undefined)) return false;
  if (theirIds.join() !== ourIds.join()) {
    found.push({ path: `${path} (items)`, theirs: shown(theirIds), ours: shown(ourIds) });
  }
  for (const [at, id] of theirIds.entries()) {
    const place = ourIds.indexOf(id);
    if (place >= 0 && theirIds.indexOf(id) === at) walk(`${path}[${at}]`, theirs[at], ours[place], found);
  }
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

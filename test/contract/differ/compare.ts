import { isObject } from '../../../src/domain/json.js';
import { type Difference, differences, type Form } from '../compare/walk.js';
import type { Normal } from './normalise.js';

/**
 * Answers of two statuses have nothing to compare further: they differ in one place. So do two errors of two forms.
 * @returns every difference, in the order of the paths as found
 */
export function compare(theirs: Normal, ours: Normal): Difference[] {
  if (theirs.status !== ours.status) {
    return [{ path: 'status', theirs: summary(theirs), ours: summary(ours) }];
  }
  const headers = differences('headers', theirs.headers, ours.headers, FORM);
  if (theirs.status >= 400 && formOf(theirs.body) !== formOf(ours.body)) {
    return [...headers, { path: 'body', theirs: shown(theirs.body), ours: shown(ours.body) }];
  }
  return [...headers, ...differences('body', theirs.body, ours.body, FORM)];
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

const FORM: Form = {
  identityOf: (item) => item['uuid'] ?? item['hostname'] ?? item['name'],
  itemsOf: (path) => `${path} (items)`,
  shown,
};

function shown(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}

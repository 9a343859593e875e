/** Normalises paths, so that routes match one spelling. */
import { COLLECTIONS } from '../v1/collections.js';

/** First segments outside `/v1`: among them the Image service’s own. */
const OUTSIDE = new Set(['', 'v1', 'v2', 'versions', 'healthcheck']);

/** Bare Metal resources below /v2: some clients take the highest version in the root for that of the Bare Metal API. */
const BARE_METAL_BELOW_V2 = new RegExp(`^/v2(?=/(${Object.keys(COLLECTIONS).join('|')})(\\.json)?(/|$))`);

/**
 * Drops trailing slashes, changes `/v2` to `/v1` before Bare Metal resources, adds `/v1` before an unknown first
 * segment, and drops `.json` where the request's version has it as the format.
 * @param url as in the request line: path and query, or absolute
 */
export function normalisePath(url: string, dropJsonSuffix: boolean): { url: string; jsonSuffix: boolean } {
  const relative = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = relative.search(/[?#]/);
  const query = mark < 0 ? '' : relative.slice(mark);
  let path = withoutTrailingSlashes(mark < 0 ? relative : relative.slice(0, mark));
  path = path.replace(BARE_METAL_BELOW_V2, '/v1');
  const jsonSuffix = dropJsonSuffix && path.endsWith('.json') && !isOfImages(path);
  if (jsonSuffix) path = withoutTrailingSlashes(path.slice(0, -'.json'.length));
  const first = path.split('/', 2)[1] ?? '';
  if (!OUTSIDE.has(first)) path = `/v1${path}`;
  return { url: `${path === '' ? '/' : path}${query}`, jsonSuffix };
}

/** Whether a request is for the Image service. @param url path, maybe with a query */
export function isOfImages(url: string): boolean {
  return /^\/v2([/?#]|$)/.test(url);
}

/** A path for log lines and errors: without the secret of an inspection report. */
export function shownPath(url: string): string {
  return url.split('?', 1)[0]!.replace(/(\/continue_inspection\/).+/i, '$1******');
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

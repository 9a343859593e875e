/** Requests are routed by one spelling of their path. */

/** Served outside `/v1`. */
const OUTSIDE = new Set(['', 'v1', 'healthcheck']);

/**
 * Drops trailing slashes, adds `/v1` where the first segment is none of ours, and drops `.json` where a client of
 * that age would mean the format by it.
 * @param url as in the request line: path and query, or absolute
 */
export function normalisePath(url: string, dropJsonSuffix: boolean): { url: string; jsonSuffix: boolean } {
  const relative = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = relative.search(/[?#]/);
  const query = mark < 0 ? '' : relative.slice(mark);
  let path = withoutTrailingSlashes(mark < 0 ? relative : relative.slice(0, mark));
  const jsonSuffix = dropJsonSuffix && path.endsWith('.json');
  if (jsonSuffix) path = withoutTrailingSlashes(path.slice(0, -'.json'.length));
  const first = path.split('/', 2)[1] ?? '';
  if (!OUTSIDE.has(first)) path = `/v1${path}`;
  return { url: `${path === '' ? '/' : path}${query}`, jsonSuffix };
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

import type { Outcome } from './output.js';

/** One place in which two outcomes are not the same; what is not there is `absent`. */
export interface Difference {
  /** `status`, `stderr`, `columns`, `rows`, `[0].Name`, `driver_info.ipmi_address`. */
  path: string;
  theirs: string;
  ours: string;
}

/** Two exit statuses have nothing to compare further. */
export function compare(theirs: Outcome, ours: Outcome): Difference[] {
  const found: Difference[] = [];
  if (theirs.status !== ours.status) {
    return [{ path: 'status', theirs: said(theirs), ours: said(ours) }];
  }
  if (theirs.stderr.join('\n') !== ours.stderr.join('\n')) {
    found.push({ path: 'stderr', theirs: theirs.stderr.join('\n'), ours: ours.stderr.join('\n') });
  }
  const [their, our] = [plain(theirs.stdout), plain(ours.stdout)];
  if (their.columns.join() !== our.columns.join()) {
    found.push({ path: 'columns', theirs: their.columns.join(), ours: our.columns.join() });
  }
  walk('', their.content, our.content, found);
  return found;
}

const said = ({ status, stderr, stdout }: Outcome) =>
  `${status} ${[...stderr, 'lines' in stdout ? stdout.lines.join('\n') : ''].join('\n').trim()}`;

/** The names of the columns in their order, and what stands under them. */
function plain(stdout: Outcome['stdout']): { columns: string[]; content: unknown } {
  if ('lines' in stdout) return { columns: [], content: stdout.lines };
  if ('json' in stdout) {
    const first: unknown = Array.isArray(stdout.json) ? stdout.json[0] : stdout.json;
    return { columns: isObject(first) ? Object.keys(first) : [], content: stdout.json };
  }
  const { columns, rows } = stdout;
  if (columns.join() === 'Field,Value') {
    const fields = rows.map(([field = '', value]): [string, unknown] => [field, value]);
    return { columns: fields.map(([field]) => field), content: Object.fromEntries(fields) };
  }
  const named = rows.map((row) => Object.fromEntries(row.map((cell, at) => [columns[at]!, cell])));
  return { columns, content: named };
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
    found.push({ path: path === '' ? 'output' : path, theirs: shown(theirs), ours: shown(ours) });
  }
}

const IDENTITIES = ['UUID', 'Hostname', 'Interface', 'Property', 'Name'];

/**
 * Rows with an identity: other rows or another order is one difference, each row in both is compared with itself.
 * @returns whether the rows had one
 */
function walkIdentified(path: string, theirs: unknown[], ours: unknown[], found: Difference[]): boolean {
  const identify = (rows: unknown[]) =>
    rows.map((row) =>
      isObject(row) ? IDENTITIES.map((name) => row[name]).find((id) => typeof id === 'string') : undefined,
    );
  const [theirIds, ourIds] = [identify(theirs), identify(ours)];
  if ([...theirIds, ...ourIds].includes(undefined)) return false;
  if (theirIds.join() !== ourIds.join()) {
    found.push({ path: `${path}rows`, theirs: shown(theirIds), ours: shown(ourIds) });
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
  return value === undefined ? 'absent' : typeof value === 'string' ? value : JSON.stringify(value);
}

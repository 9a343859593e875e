import { isObject } from '../../../src/domain/json.js';
import { type Difference, differences, type Form } from '../compare/walk.js';
import type { Outcome } from './output.js';

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
  return [...found, ...differences('', their.content, our.content, FORM)];
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

const IDENTITIES = ['UUID', 'Hostname', 'Interface', 'Property', 'Name'];

const FORM: Form = {
  // UUIDs that the servers chose tell nothing.
  identityOf: (row) =>
    IDENTITIES.map((name) => row[name]).find((id) => typeof id === 'string' && id !== '<uuid>'),
  itemsOf: (path) => `${path}rows`,
  shown: (value) =>
    value === undefined ? 'absent' : typeof value === 'string' ? value : JSON.stringify(value),
};

import { text as textOf } from 'node:stream/consumers';
import type { NodeApi } from '../api/node-api.js';
import type { Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';
import { readFilter } from './filter.js';

/**
 * The nodes that a command is to act on: those named, those on standard input (`-`), or those that a filter finds now.
 * @throws UsageError when none is named, or both
 */
export async function selectNodes(
  api: NodeApi,
  shell: Shell,
  named: readonly string[],
  filter: string | undefined,
): Promise<string[]> {
  if (named.length > 0 === (filter !== undefined))
    throw new UsageError('name the nodes, or give --filter, one of them');
  if (filter !== undefined) {
    const fits = readFilter(filter);
    const found = (await api.list()).filter(fits);
    if (found.length === 0) throw new UsageError(`no node fits the filter: ${filter}`);
    return found.map(({ uuid, name }) => name ?? uuid);
  }
  if (!named.includes('-')) return [...new Set(named)];
  if (!shell.stdin) throw new UsageError('there is no standard input to read names of nodes from');
  const lines = (await textOf(shell.stdin)).split(/\s+/).filter((line) => line !== '');
  return [...new Set([...named.filter((name) => name !== '-'), ...lines])];
}

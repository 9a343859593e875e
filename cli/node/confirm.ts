import { createInterface } from 'node:readline/promises';
import { FerricError } from '../../src/domain/errors.js';
import type { Shell } from '../shell.js';
import { UsageError } from '../usage-error.js';
import { plain } from './plain-text.js';

/** Names that a question lists. */
const NAMED = 20;

/**
 * Asks before something is lost, naming it.
 * @param yes the answer was given by --yes
 * @throws UsageError where nobody can answer; FerricError cancelled for any answer but yes
 */
export async function confirm(
  shell: Shell,
  yes: boolean,
  loss: string,
  nodes: readonly string[],
): Promise<void> {
  if (yes) return;
  const names = nodes.slice(0, NAMED).map(plain).join(', ');
  const more = nodes.length > NAMED ? ` and ${nodes.length - NAMED} more` : '';
  const question = `${loss}: ${names}${more}`;
  const { stdin } = shell;
  if (stdin?.isTTY !== true) throw new UsageError(`${question}. Nobody can be asked here: give --yes`);
  const reader = createInterface({ input: stdin, output: shell.stderr });
  try {
    const answer = await reader.question(`${question}. Go on? [y/N] `, { signal: shell.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new FerricError('conflict', 'nothing was done');
  } finally {
    reader.close();
  }
}

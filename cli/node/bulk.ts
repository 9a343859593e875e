import { messageOf } from '../../src/domain/errors.js';
import { ApiError, NodeOutcomeError } from '../exit-status.js';
import type { Shell } from '../shell.js';
import { plain } from './plain-text.js';

/** Nodes that are worked on at once. */
export const AT_ONCE = 10;

/**
 * Does the same with each node, several at once. Each failure is a line on standard error; the others go on.
 * @param work returns a line about what was done; null: none
 * @throws the error of the only node; NodeOutcomeError 9, or 8 when all failed, for several
 */
export async function forEachNode(
  shell: Shell,
  nodes: readonly string[],
  atOnce: number,
  work: (node: string, tell: (text: string) => void) => Promise<void>,
): Promise<void> {
  const several = nodes.length > 1;
  const tell = (node: string) => (text: string) => {
    const prefix = several ? `${plain(node)}: ` : '';
    shell.stderr.write(text.replace(/^/gm, prefix) + '\n');
  };
  if (!several) {
    for (const node of nodes) await work(node, tell(node));
    return;
  }
  const failed: unknown[] = [];
  const left = [...nodes];
  const worker = async () => {
    for (let node = left.shift(); node !== undefined && !shell.signal.aborted; node = left.shift()) {
      try {
        await work(node, tell(node));
      } catch (error) {
        if (!(error instanceof ApiError) && !(error instanceof NodeOutcomeError)) {
          left.length = 0; // no other node would fare better
          throw error;
        }
        failed.push(error);
        tell(node)(plain(messageOf(error)));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, nodes.length) }, worker));
  shell.signal.throwIfAborted();
  if (failed.length === 0) return;
  const goesOn = failed.every((error) => error instanceof NodeOutcomeError && error.exitStatus === 124);
  const text = `${nodes.length - failed.length} of ${nodes.length} nodes done, ${failed.length} not`;
  throw new NodeOutcomeError(failed.length < nodes.length ? 9 : goesOn ? 124 : 8, text);
}

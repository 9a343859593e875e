import type { PublishedFile } from '../../image-build/session/artefact.js';
import { print, type Shell } from '../shell.js';
import { sizeText } from '../terminal/format.js';
import { textTable } from '../terminal/text-table.js';

/** Prints the result of a build. */
export function printPublished(shell: Shell, files: readonly PublishedFile[], json: boolean): void {
  if (json) {
    print(shell, JSON.stringify({ files }, null, 2));
    return;
  }
  const rows = files.map(({ path, size, sha256 }) => [path, sizeText(size), sha256]);
  print(shell, textTable(['File', 'Size', 'SHA-256'], rows));
}

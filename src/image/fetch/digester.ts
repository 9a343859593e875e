import { createHash, type Hash } from 'node:crypto';
import { createInspector, type ImageInspector } from '../../protocol/image-format/inspect.js';
import type { Inspection } from '../../protocol/image-format/inspection.js';

/** The result of one pass over an image's bytes. */
export interface Digested {
  /** Bytes. */
  size: number;
  /** Lower-case hex by algorithm; sha256 is always among them. */
  digests: Record<string, string>;
  inspection: Inspection;
}

/** Hashes and inspects bytes as they pass. */
export class Digester {
  private readonly hashes: readonly [string, Hash][];
  private readonly inspector: ImageInspector = createInspector();
  private size = 0;

  constructor(algorithms: readonly string[]) {
    const names = [...new Set(['sha256', ...algorithms])];
    this.hashes = names.map((name) => [name, createHash(name)]);
  }

  update(chunk: Uint8Array): void {
    this.size += chunk.length;
    for (const [, hash] of this.hashes) hash.update(chunk);
    this.inspector.push(chunk);
  }

  finish(): Digested {
    const digests = Object.fromEntries(this.hashes.map(([name, hash]) => [name, hash.digest('hex')]));
    return { size: this.size, digests, inspection: this.inspector.result() };
  }
}

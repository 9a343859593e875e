import type { AgentLog } from '../agent-log.js';
import type { CommandContext } from '../command-board.js';

export type ImagePhase = 'download' | 'convert';

/** Reports the progress of an image: in the command's result, and one line per 5 % on the console. */
export class ImageProgress {
  private lastLine = Number.NEGATIVE_INFINITY;
  private lastShown = 0;

  constructor(
    private readonly phase: ImagePhase,
    private readonly context: CommandContext,
    private readonly log: AgentLog,
    private readonly name: string,
  ) {}

  /** @param total bytes; undefined when the server gives none */
  at(bytes: number, total: number | undefined): void {
    const now = performance.now();
    const percent = total ? Math.floor((bytes / total) * 100) : undefined;
    if (now - this.lastShown > 250 || bytes === total) {
      this.lastShown = now;
      this.context.progress({ phase: this.phase, bytes, total: total ?? null, percent: percent ?? null });
    }
    // Without a total: one line per 64 MiB.
    const step = percent === undefined ? Math.floor(bytes / 2 ** 26) : Math.floor(percent / 5);
    if (step <= this.lastLine) return;
    this.lastLine = step;
    const far = percent === undefined ? '' : ` ${percent} %`;
    this.log.say(`${this.phase} ${this.name}:${far} ${(bytes / 2 ** 20).toFixed(1)} MiB`);
  }
}

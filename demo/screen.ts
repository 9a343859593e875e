const BAR = 24;
const MIB = 2 ** 20;

/** Output of the demo: lines, and below them on a terminal one progress bar that is redrawn. */
export class Screen {
  readonly #started = performance.now();
  #bar = '';
  #lastTenth = -1;

  /** @param out standard output */
  constructor(private readonly out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }) {}

  get isTerminal(): boolean {
    return this.out.isTTY === true;
  }

  /** Seconds since the demo's start. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Prints a line unchanged. */
  print(text = ''): void {
    this.#clear();
    this.out.write(`${text}\n`);
    this.#draw();
  }

  /** Prints a line that starts with the elapsed time. */
  say(text: string): void {
    this.print(`${`${this.seconds.toFixed(1)} s`.padStart(9)}  ${text}`);
  }

  title(text: string): void {
    this.print(this.isTerminal ? `\n\u001b[1m${text}\u001b[0m` : `\n${text}`);
  }

  /** Redraws the bar; without a terminal, prints a line for each tenth. */
  progress(what: string, bytes: number, total: number | null): void {
    const share = total ? Math.min(1, bytes / total) : 0;
    const numbers = `${(bytes / MIB).toFixed(1)}${total ? ` / ${(total / MIB).toFixed(1)}` : ''} MiB`;
    const full = Math.round(share * BAR);
    const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
    const text = `${what.padEnd(8)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} % ${numbers}`;
    if (this.isTerminal) {
      this.#clear();
      this.#bar = `           ${text}`.slice(0, (this.out.columns || 80) - 1);
      this.#draw();
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth === this.#lastTenth) return;
    this.#lastTenth = tenth;
    this.say(text);
  }

  /** Keeps the bar as it is; further output goes below it. */
  endProgress(): void {
    if (this.#bar !== '') this.out.write('\n');
    this.#bar = '';
    this.#lastTenth = -1;
  }

  #clear(): void {
    if (this.#bar !== '') this.out.write('\r\u001b[K');
  }

  #draw(): void {
    if (this.#bar !== '') this.out.write(this.#bar);
  }
}

import type { LabMachine } from '../lab/lab.js';

export interface Stage {
  name: string;
  /** Seconds since the clock's start. */
  at: number;
}

/**
 * Console lines that mark the stages of a boot into the deploy ramdisk and then into the installed system, in order.
 */
const CONSOLE: readonly { name: string; line: RegExp }[] = [
  { name: 'boot script', line: /boot\.ipxe/ },
  { name: 'ramdisk started', line: /ferric-init [\d.]+: started/ },
  { name: 'agent asks', line: /ferric-agent [\d.]+: looking up/ },
  { name: 'first heartbeat', line: /ferric-agent [\d.]+: first heartbeat/ },
  { name: 'image written', line: /ferric-agent [\d.]+: image .* bytes,/ },
  { name: 'agent off', line: /ferric-agent [\d.]+: power off/ },
];

/** Records when a deployment first reaches each stage. */
export class StageClock implements Disposable {
  readonly stages: Stage[] = [];
  readonly #started = performance.now();
  readonly #ends: (() => void)[];

  /** Starts the clock. */
  constructor({ machine }: LabMachine, hello: RegExp) {
    let powerOns = 0;
    this.#ends = [
      machine.onEvent((event) => {
        if (event.kind !== 'power' || !event.on) return;
        powerOns += 1;
        this.mark(powerOns === 1 ? 'power on' : 'power on again');
      }),
      machine.console.onLine((text) => {
        for (const { name, line } of CONSOLE) if (line.test(text)) this.mark(name);
        if (hello.test(text)) this.mark('hello');
      }),
    ];
  }

  mark(name: string): void {
    if (this.stages.some((stage) => stage.name === name)) return;
    this.stages.push({ name, at: (performance.now() - this.#started) / 1000 });
  }

  /** Seconds from one stage to another. @throws Error when one was not reached */
  between(from: string, to: string): number {
    const [start, end] = [from, to].map((name) => {
      const stage = this.stages.find((one) => one.name === name);
      if (stage === undefined) throw new Error(`the stage "${name}" was not reached`);
      return stage.at;
    });
    return end! - start!;
  }

  /** `power on 0.3, boot script 5.1 (+4.8), …` */
  toString(): string {
    return this.stages
      .map(({ name, at }, i) => {
        const before = this.stages[i - 1];
        return `${name} ${at.toFixed(1)}${before ? ` (+${(at - before.at).toFixed(1)})` : ''}`;
      })
      .join(', ');
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }
}

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface QmpEvent {
  event: string;
  data?: unknown;
}

interface Reply {
  return?: unknown;
  error?: { class: string; desc: string };
}

/** QEMU Machine Protocol: one JSON object on each line, responses in the order of their commands. */
export class Qmp {
  #buffer = '';
  #closed = false;
  readonly #waiting: {
    resolve: (value: unknown) => void;
    reject: (error: Error) => void;
    command: string;
  }[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly onEvent: (event: QmpEvent) => void,
  ) {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#read(chunk));
    socket.on('error', () => undefined); // 'close' follows and rejects every pending command
    socket.on('close', () => {
      this.#closed = true;
      for (const { reject, command } of this.#waiting.splice(0))
        reject(new Error(`QEMU ended before it answered ${command}`));
    });
  }

  /**
   * Connects as soon as QEMU listens.
   * @param alive returns false to end the wait: QEMU has exited
   * @throws Error when QEMU has exited, or does not listen within 20 s
   */
  static async open(path: string, onEvent: (event: QmpEvent) => void, alive: () => boolean): Promise<Qmp> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const socket = connect(path);
      try {
        await once(socket, 'connect');
        const qmp = new Qmp(socket, onEvent);
        await qmp.command('qmp_capabilities');
        return qmp;
      } catch (error) {
        socket.destroy();
        if (!alive()) throw new Error('QEMU ended while it started', { cause: error });
        if (performance.now() > deadline) throw new Error('QEMU does not answer on QMP', { cause: error });
        await sleep(15);
      }
    }
  }

  /** @throws Error with QEMU's description when it refuses the command, or when it exits before its response */
  command(execute: string, args?: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error(`QEMU is gone, ${execute} was not sent`));
        return;
      }
      this.#waiting.push({ resolve, reject, command: execute });
      this.socket.write(`${JSON.stringify({ execute, ...(args ? { arguments: args } : {}) })}\n`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: string): void {
    this.#buffer += chunk;
    for (;;) {
      const end = this.#buffer.indexOf('\n');
      if (end < 0) return;
      const line = JSON.parse(this.#buffer.slice(0, end)) as Reply & Partial<QmpEvent>;
      this.#buffer = this.#buffer.slice(end + 1);
      if (line.event !== undefined) this.onEvent({ event: line.event, data: line.data });
      else if (line.error !== undefined) {
        const waiter = this.#waiting.shift();
        waiter?.reject(new Error(`QEMU refused ${waiter.command}: ${line.error.desc}`));
      } else if ('return' in line) this.#waiting.shift()?.resolve(line.return);
    }
  }
}

import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { extname, join } from 'node:path';
import { LabProcess } from '../process/lab-process.js';
import type { Ledger } from '../process/ledger.js';

interface Answer {
  id: number;
  error?: string;
}

/**
 * Sockets of a network namespace in this process. Node can't enter a namespace, but a socket stays in the one where
 * it was made, and Node passes sockets between processes: a small child process inside makes them and passes them here.
 */
export class NamespaceDoor {
  readonly #waiting = new Map<number, (answer: Answer, handle: unknown) => void>();
  #last = 0;

  private constructor(private readonly child: LabProcess) {
    child.child.on('message', (answer: Answer, handle: unknown) => {
      this.#waiting.get(answer.id)?.(answer, handle);
      this.#waiting.delete(answer.id);
    });
    void child.exited.then(() => {
      for (const [id, settle] of this.#waiting) settle({ id, error: 'the namespace was closed' }, undefined);
    });
  }

  static async open(namespace: string, ledger: Ledger): Promise<NamespaceDoor> {
    const program = join(import.meta.dirname, `inside${extname(import.meta.filename)}`);
    const child = await LabProcess.start({
      file: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', program],
      namespace,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ledger,
      env: { PATH: process.env['PATH'] },
    });
    const ready = once(child.child, 'message');
    const ended = child.exited.then(({ code }) => {
      throw new Error(`the helper in namespace ${namespace} ended with status ${code}`);
    });
    ended.catch(() => undefined); // only relevant until the first message
    await Promise.race([ready, ended]);
    child.child.channel?.unref();
    child.child.unref();
    return new NamespaceDoor(child);
  }

  /** A bound UDP socket of the namespace. @throws Error when the address is in use */
  async udp(host: string, port: number): Promise<Socket> {
    return (await this.#ask({ kind: 'udp', host, port })) as Socket;
  }

  /** A listening TCP server of the namespace, for another server's `listen`. */
  async tcp(host: string, port: number): Promise<Server> {
    return (await this.#ask({ kind: 'tcp', host, port })) as Server;
  }

  /**
   * Listens on a Unix socket at `path`, and forwards each connection to host:port inside.
   * @param from source address inside the namespace; default: the kernel's choice
   */
  async forward(path: string, host: string, port: number, from?: string): Promise<void> {
    await this.#ask({ kind: 'forward', path, host, port, ...(from === undefined ? {} : { from }) });
  }

  async close(): Promise<void> {
    await this.child.end();
  }

  #ask(request: object): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (answer, handle) => {
        if (answer.error === undefined) resolve(handle);
        else reject(new Error(answer.error));
      });
      if (!this.child.running) reject(new Error('the namespace was closed'));
      else this.child.child.send({ id, ...request });
    });
  }
}

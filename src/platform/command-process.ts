import { CancelledError, FerricError, messageOf } from '../domain/errors.js';
import { contained } from './boundary.js';
import { moduleLaunch } from './module-launch.js';
import {
  type Command,
  CommandError,
  type CommandFault,
  type CommandResult,
  startModule,
} from './run-command.js';

export type CommandRequest = { id: number; command: Omit<Command, 'signal'> } | { cancel: number };
export type CommandReply =
  | { id: number; result: CommandResult }
  | { id: number; failed: { file: string; fault: CommandFault; result: CommandResult; message: string } }
  | { id: number; cancelled: boolean; message: string };

type Child = ReturnType<typeof startModule>;

interface Pending {
  resolve(result: CommandResult): void;
  reject(error: unknown): void;
  dispose(): void;
}

/** The messages of this process are small, so its heap is too. */
const FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=128'];
/** ms for running programs to be ended, and then ms for the process itself. */
const CLOSE_DEADLINE = 3_000;

/**
 * `runCommand` in a small process of its own. Starting a program copies the page tables of the calling process: 1 ms of
 * CPU for a small one, 13 ms at 300 MB, in which none of its threads can touch a new page; afterwards each write to a
 * page faults once. The process starts with the first command and ends with the daemon, even a killed one.
 */
export class CommandProcess {
  #process: Child | undefined;
  #nextId = 1;
  #closed = false;
  readonly #pending = new Map<number, Pending>();

  /** As `runCommand`. */
  run(command: Command): Promise<CommandResult> {
    const { signal, ...rest } = command;
    if (this.#closed || signal?.aborted)
      return Promise.reject(new CancelledError(`${command.file} was cancelled.`));
    const id = this.#nextId++;
    const child = this.#start();
    return new Promise((resolve, reject) => {
      const cancel = contained(
        'command process',
        () => send(child, { cancel: id }),
        // It may run on to its deadline; nobody waits for it.
        (error) => this.#settle({ id, message: messageOf(error), cancelled: true }),
      );
      signal?.addEventListener('abort', cancel, { once: true });
      this.#pending.set(id, { resolve, reject, dispose: () => signal?.removeEventListener('abort', cancel) });
      send(child, { id, command: rest });
    });
  }

  /** Cancels running commands and ends the process. */
  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#process;
    if (!child) return;
    for (const id of this.#pending.keys()) send(child, { cancel: id });
    const deadline = performance.now() + CLOSE_DEADLINE;
    while (this.#pending.size > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (child.connected) child.disconnect();
    const kill = () => child.kill('SIGKILL');
    const force = setTimeout(contained('command process', kill, kill), CLOSE_DEADLINE);
    await ended;
    clearTimeout(force);
  }

  #start(): Child {
    if (this.#process) return this.#process;
    const { module, execArgv } = moduleLaunch(new URL('./command-server.js', import.meta.url));
    const child = startModule(module, [...FLAGS, ...execArgv]);
    child.unref();
    child.channel?.unref();
    child.on(
      'message',
      // A reply that cannot be handled is a failure of its command: somebody waits for it.
      contained(
        'command process',
        (reply: CommandReply) => this.#settle(reply),
        (error, [{ id }]) => this.#settle({ id, message: messageOf(error), cancelled: false }),
      ),
    );
    const lost = (why: string) => {
      // The exit that follows an error: what is pending by then is of the next process.
      if (this.#process !== child) return;
      this.#process = undefined;
      for (const pending of this.#pending.values()) {
        pending.reject(
          this.#closed
            ? new CancelledError()
            : new FerricError('internal', `The command process ended: ${why}`),
        );
        pending.dispose();
      }
      this.#pending.clear();
    };
    child.on(
      'error',
      contained(
        'command process',
        (error) => lost(String(error)),
        (error) => lost(messageOf(error)),
      ),
    );
    const ended = (code: number | null, signal: string | null) => lost(signal ?? `exit status ${code}`);
    child.on(
      'exit',
      contained('command process', ended, (_error, how) => ended(...how)),
    );
    this.#process = child;
    return child;
  }

  #settle(reply: CommandReply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    pending.dispose();
    if ('result' in reply) pending.resolve(reply.result);
    else if ('failed' in reply) {
      const { file, fault, result, message } = reply.failed;
      pending.reject(new CommandError(file, fault, result, message.slice(file.length + 2)));
    } else
      pending.reject(
        reply.cancelled ? new CancelledError(reply.message) : new FerricError('internal', reply.message),
      );
  }
}

/** The exit of a process that is gone has settled all its commands. */
function send(child: Child, message: CommandRequest): void {
  if (child.connected) child.send(message, () => undefined);
}

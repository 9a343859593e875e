// The thread's side of CommandThread: starts programs, so that a slow fork does not hold up the event loop.
import { parentPort } from 'node:worker_threads';
import type { CommandReply, CommandRequest } from './command-thread.js';
import { CommandError, runCommand } from './run-command.js';

const port = parentPort!;
const running = new Map<number, AbortController>();
const reply = (message: CommandReply) => port.postMessage(message);

port.on('message', (message: CommandRequest) => {
  if ('cancel' in message) {
    running.get(message.cancel)?.abort();
    return;
  }
  const { id, command } = message;
  const abort = new AbortController();
  running.set(id, abort);
  runCommand({ ...command, signal: abort.signal })
    .then(
      (result) => reply({ id, result }),
      (error: unknown) => {
        if (error instanceof CommandError) {
          reply({
            id,
            failed: { file: error.file, fault: error.fault, result: error.result, message: error.message },
          });
        } else reply({ id, cancelled: abort.signal.aborted, message: String(error) });
      },
    )
    .finally(() => running.delete(id));
});

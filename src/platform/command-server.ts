// The process behind CommandProcess: starts programs, so that the daemon with its large memory need not.
import type { CommandReply, CommandRequest } from './command-process.js';
import { CommandError, runCommand } from './run-command.js';

const running = new Map<number, AbortController>();
const reply = (message: CommandReply) => {
  if (process.connected) process.send!(message);
};

// A service manager that stops the daemon signals this process too: it ignores that and ends with the daemon.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
// The daemon is gone, for whatever reason: running programs are ended.
process.on('disconnect', () => {
  for (const abort of running.values()) abort.abort();
});

process.on('message', (message: CommandRequest) => {
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

// The daemon, but that a test can make its handlers throw. Arguments: the path of a Unix socket, then the daemon's own.
// Each line that the socket receives is a handler to arm, empty, or `upset`: listening sockets and threads report errors
// that nothing caused. The answer is a line of JSON, a `FaultState`.
// `<socket>.handlers` receives a line for each handler that is wrapped or throws, until the process ends.

import { Socket as Datagrams } from 'node:dgram';
import { appendFileSync } from 'node:fs';
import { createServer, Server, type Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';

/** A handler is named by its owner and by where it is wrapped: `TFTP: socket @ netboot/tftp/server.js:12:34`. */
export interface FaultState {
  /** Handlers that were wrapped; true: called since. */
  handlers: Record<string, boolean>;
  /** Those that throw the next time they are called. */
  armed: string[];
  /** How many threw. */
  thrown: number;
}

const built = (path: string) => new URL(`../../../dist/src/${path}`, import.meta.url).href;
const { settleRuntime } = (await import(
  built('platform/runtime-settings.js')
)) as typeof import('../../../src/platform/runtime-settings.js');
settleRuntime(process.env);

const { watchHandlers } = (await import(
  built('platform/boundary.js')
)) as typeof import('../../../src/platform/boundary.js');
const [socketPath, ...args] = process.argv.slice(2) as [string, ...string[]];
const handlers: Record<string, boolean> = {};
const armed = new Set<string>();
let thrown = 0;
const note = (what: string, name: string) => appendFileSync(`${socketPath}.handlers`, `${what} ${name}\n`);

watchHandlers((owner) => {
  const name = `${owner} @ ${caller()}`;
  if (!(name in handlers)) {
    handlers[name] = false;
    note('wrapped', name);
  }
  return () => {
    handlers[name] = true;
    if (!armed.delete(name)) return;
    thrown++;
    note('thrown', name);
    throw new Error(`a fault on purpose: ${name}`);
  };
});

/** Where the boundary was called: path below `dist/src`, line and column. */
function caller(): string {
  const places = [...new Error().stack!.matchAll(/\/dist\/src\/([^:]+\.js:\d+:\d+)/g)].map(
    ([, place]) => place!,
  );
  return places.find((place) => !place.startsWith('platform/boundary.js')) ?? 'an unknown place';
}

const workers = new Set<Worker>();
process.on('worker', (worker) => {
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
});

function upset(): void {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
  const sockets = handles.filter((one) => one instanceof Server || one instanceof Datagrams);
  for (const one of sockets)
    if (one !== control && one.listenerCount('error') > 0) one.emit('error', new Error('upset'));
  for (const worker of [...workers])
    for (const event of ['messageerror', 'error'] as const) worker.emit(event, new Error('upset'));
}

function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.setEncoding('utf8').on('data', (text: string) => {
    for (const name of text.split('\n').slice(0, -1)) {
      if (name === 'upset') upset();
      else if (name !== '') armed.add(name);
      const state: FaultState = { handlers, armed: [...armed], thrown };
      socket.write(`${JSON.stringify(state)}\n`);
    }
  });
  socket.unref();
}

const control = createServer(serve);
control.listen(socketPath).unref();
const { main } = (await import(built('start/run.js'))) as typeof import('../../../src/start/run.js');
await main(args, process.env);

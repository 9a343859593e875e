import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { contained } from './boundary.js';

/** ms for which an open connection may bring one more request: it may be on its way. */
const QUIET = 500;
const LOOK = 20;

/** Ends an HTTP server in order: no connection that it took is reset, what is under way is answered. */
export class Drain {
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  #draining = false;

  constructor(private readonly server: Server) {
    const connected = (socket: Socket) => {
      this.#connections.set(socket, new Set());
      socket.once(
        'close',
        contained('HTTP: connection', () => this.#connections.delete(socket)),
      );
    };
    server.on('connection', contained('HTTP: connection', connected));
    const asked = (_request: IncomingMessage, response: ServerResponse) => this.#note(response);
    server.prependListener('request', contained('HTTP: request', asked));
  }

  /**
   * Takes no further connection, answers those that are there, and closes them.
   * @param grace ms for what is under way; then it is cut
   * @param hurry cuts the grace short
   */
  async finish(grace: number, hurry?: AbortSignal): Promise<void> {
    this.#draining = true;
    // Right after the loop has accepted whoever waited: the kernel resets who is left in the queue of a closed port.
    await nextTurn();
    // HTTP's own close() cuts connections that are idle, also one whose next request is on its way.
    NetServer.prototype.close.call(this.server);
    for (const answer of this.#answers()) {
      lastOne(answer);
      // A stream of events has no end to wait for: it is given one, which its reader takes for one.
      if (isStream(answer)) answer.end();
    }
    const end = performance.now() + grace;
    for (let quiet = performance.now(); this.#connections.size > 0 && !hurry?.aborted; await sleep(LOOK)) {
      const now = performance.now();
      if (this.#isBusy()) quiet = now;
      if (now > end || now - quiet > QUIET) break;
    }
    this.server.closeAllConnections();
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #note(response: ServerResponse): void {
    const answers = response.socket ? this.#connections.get(response.socket) : undefined;
    if (!answers) return;
    answers.add(response);
    response.once(
      'close',
      contained('HTTP: request', () => answers.delete(response)),
    );
    if (this.#draining) lastOne(response);
  }

  #answers(): ServerResponse[] {
    return [...this.#connections.values()].flatMap((answers) => [...answers]);
  }

  /** A reader that does not read would keep its stream open. */
  #isBusy(): boolean {
    return this.#answers().some((answer) => !isStream(answer));
  }
}

function isStream(answer: ServerResponse): boolean {
  return answer.getHeader('content-type') === 'text/event-stream';
}

function lastOne(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

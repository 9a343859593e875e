import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../domain/errors.js';
import { contained } from './boundary.js';
import { refuseConnections } from './refuse-connections.js';
import type { Lines } from './throttled-log.js';

/** ms in which an open connection may deliver one more request, which may be in transit. */
const QUIET = 500;
const LOOK = 20;

/** Stops an HTTP server gracefully: no connection is reset, and requests in progress are answered. */
export class Drain {
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  #draining = false;

  constructor(
    private readonly server: Server,
    private readonly log: Pick<Lines, 'warn'>,
  ) {
    const connected = (socket: Socket) => {
      this.#connections.set(socket, new Set());
      socket.once(
        'close',
        contained('HTTP: connection', () => this.#connections.delete(socket)),
      );
    };
    server.on('connection', contained('HTTP: connection', connected));
    const asked = ({ socket }: IncomingMessage, response: ServerResponse) => this.#note(socket, response);
    server.prependListener('request', contained('HTTP: request', asked));
  }

  /**
   * Accepts no further connection, answers the open ones, and closes them.
   * @param grace ms for requests in progress; then they are cut
   * @param hurry cuts the grace short
   */
  async finish(grace: number, hurry?: AbortSignal): Promise<void> {
    this.#draining = true;
    await refuseConnections(this.server, (error, at) =>
      this.log.warn(
        { at, error: messageOf(error) },
        'a connection made in this moment of the stop may be reset',
      ),
    );
    // http.Server's own close() cuts idle connections, even if their next request is in transit.
    NetServer.prototype.close.call(this.server);
    for (const answer of this.#answers()) {
      lastOne(answer);
      // An event stream never ends by itself: it is ended here, and its reader sees a regular end.
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

  /** @param socket of the request: the response has none while an earlier one of its connection is not answered */
  #note(socket: Socket, response: ServerResponse): void {
    const answers = this.#connections.get(socket);
    if (!answers) return;
    answers.add(response);
    const over = () => answers.delete(response);
    response.once('close', contained('HTTP: request', over, over));
    if (this.#draining) lastOne(response);
  }

  #answers(): ServerResponse[] {
    return [...this.#connections.values()].flatMap((answers) => [...answers]);
  }

  /** Event streams do not count: a reader that does not read would keep its stream open. */
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

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { contained } from './boundary.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Requests of one connection that may wait for the answer before theirs. A client that pipelines repeats what was not
 * answered when the connection closes (RFC 9112 §9.3.2); the clients of a conductor send one request at a time.
 */
export const MOST_WAITING = 16;

/**
 * Answers the requests of a connection one after another. Node.js parses pipelined requests ahead and hands over all of
 * them at once: one connection would start thousands of database statements before its first answer, and changes sent
 * in sequence would run side by side (RFC 9112 §9.3.2 permits that for safe methods only).
 * Where more than `MOST_WAITING` wait, the connection is cut.
 * @param owner and `failed` as of `contained`
 */
export function inTurn(
  owner: string,
  answer: Answer,
  failed?: (error: unknown, args: [IncomingMessage, ServerResponse]) => unknown,
): (request: IncomingMessage, response: ServerResponse) => void {
  const run = contained(owner, answer, failed);
  const waiting = new WeakMap<Socket, [IncomingMessage, ServerResponse][]>();
  const begin = (socket: Socket, request: IncomingMessage, response: ServerResponse): void => {
    const next = () => {
      const queue = waiting.get(socket);
      const following = queue?.shift();
      // A connection whose last answer said `close` serves no further request.
      if (!following || !socket.writable) waiting.delete(socket);
      else begin(socket, ...following);
    };
    const closed = contained(owner, next, () => socket.destroy());
    response.once('close', closed);
    run(request, response);
  };
  const arrived = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const queue = waiting.get(socket);
    if (!queue) {
      waiting.set(socket, []);
      begin(socket, request, response);
    } else if (queue.length < MOST_WAITING) queue.push([request, response]);
    else {
      queue.length = 0;
      socket.destroy();
    }
  };
  return contained(owner, arrived, failed);
}

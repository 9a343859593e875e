// Runs inside a lab's network namespace and passes sockets of that namespace to the lab's process. A program of its
// own (started by namespace-door.ts) that imports only Node's modules, so that it also runs without a build.
import type { SendHandle } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

type Request =
  | { id: number; kind: 'udp'; host: string; port: number }
  | { id: number; kind: 'tcp'; host: string; port: number }
  | { id: number; kind: 'forward'; path: string; host: string; port: number; from?: string };

function answer(message: object, handle?: object, sent?: () => void): void {
  // The types list servers and TCP sockets only; Node passes UDP sockets, too.
  process.send?.(message, handle as SendHandle, {}, () => sent?.());
}

process.on('message', (request: Request) => {
  const { id, kind, host, port } = request;
  const failed = (error: Error) => answer({ id, error: error.message });
  if (kind === 'udp') {
    const socket = createSocket({ type: 'udp4', reuseAddr: false });
    socket.once('error', failed);
    socket.bind(port, host, () => {
      // Two readers of one socket would share its datagrams: this copy is closed once the other has been sent.
      answer({ id }, socket, () => socket.close());
    });
  } else if (kind === 'tcp') {
    const server = createServer();
    server.once('error', failed);
    server.listen(port, host, () => answer({ id }, server, () => server.close()));
  } else {
    const server = createServer({ allowHalfOpen: true }, (outer) => {
      const { from } = request;
      const inner = connect({ host, port, allowHalfOpen: true, ...(from ? { localAddress: from } : {}) });
      inner.pipe(outer);
      outer.pipe(inner);
      inner.on('error', () => outer.destroy()); // the caller sees a cut connection, as it would without the forward
      outer.on('error', () => inner.destroy());
      outer.on('close', () => inner.destroy());
      inner.on('close', () => outer.destroy());
    });
    server.once('error', failed);
    server.listen(request.path, () => answer({ id }));
  }
});
process.on('disconnect', () => process.exit(0));
answer({ id: 0 });

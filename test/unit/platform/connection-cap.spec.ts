import { EventEmitter } from 'node:events';
import type { Server } from 'node:net';
import { expect, it } from 'vitest';
import { capConnections } from '../../../src/platform/connection-cap.js';
import { throwOnce } from '../../support/faults/throw-once.js';

class PaperSocket extends EventEmitter {
  destroyed = false;

  constructor(readonly remoteAddress: string | undefined) {
    super();
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

it('counts the addresses of one /64 together, IPv4 under both spellings, a Unix socket not at all', () => {
  const server = new EventEmitter();
  const refused: string[] = [];
  capConnections(server as Server, { total: 100, perClient: 2 }, (address) => refused.push(address));
  const come = (address: string | undefined) => {
    const socket = new PaperSocket(address);
    server.emit('connection', socket);
    return socket;
  };
  const first = come('2001:db8:0:1::1');
  come('2001:db8:0:1::2');
  expect(come('2001:db8:0:1:a:b:c:d').destroyed).toBe(true);
  expect(come('2001:db8:0:2::1').destroyed).toBe(false);
  first.destroy();
  expect(come('2001:db8:0:1::4').destroyed).toBe(false);
  come('192.0.2.1');
  come('::ffff:192.0.2.1');
  expect(come('192.0.2.1').destroyed).toBe(true);
  expect(refused).toEqual(['2001:db8:0:1:a:b:c:d', '192.0.2.1']);
  for (let i = 0; i < 10; i++) expect(come(undefined).destroyed).toBe(false);
});

it('a connection that closed gives its place back although the handler of its end throws', () => {
  const server = new EventEmitter();
  const { thrown } = throwOnce('a connection that closed');
  capConnections(server as Server, { total: 100, perClient: 1 }, () => undefined);
  const come = () => {
    const socket = new PaperSocket('192.0.2.7');
    server.emit('connection', socket);
    return socket;
  };
  come().destroy();
  expect(thrown()).toBe(true);
  expect(come().destroyed).toBe(false);
});

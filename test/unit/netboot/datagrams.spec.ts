import type { RemoteInfo, Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { Datagrams } from '../../../src/netboot/datagrams.js';
import { faultCounts } from '../../../src/platform/boundary.js';

const from = (port: number) => ({ address: '10.0.0.1', port, family: 'IPv4', size: 1 }) as RemoteInfo;
const bytes = Buffer.from('x');
let socket: Socket;
let lines: unknown[];
let wire: Datagrams;
beforeEach(() => {
  socket = new EventEmitter() as Socket;
  lines = [];
  const write = (words: object, text: string) => void lines.push([text, words]);
  wire = new Datagrams('TFTP', { warn: write, error: write });
});

describe('what arrives', () => {
  it('is dropped and counted where it has no source port', () => {
    const seen: number[] = [];
    wire.receive(socket, (_bytes, { port }) => void seen.push(port));
    for (const port of [0, 7, 0]) socket.emit('message', bytes, from(port));
    expect(seen).toEqual([7]);
    expect(wire.dropped).toBe(2);
    expect(lines.at(-1)).toEqual([
      'TFTP: a datagram without a source port was dropped',
      { client: '10.0.0.1', dropped: 2 },
    ]);
  });

  it('ends in the boundary and in what its owner does then, whether its handler throws or rejects', async () => {
    const faults = [
      () => {
        throw new Error('thrown');
      },
      () => Promise.reject(new Error('rejected')),
    ];
    const told: string[] = [];
    const before = faultCounts()['TFTP: datagram'] ?? 0;
    wire.receive(
      socket,
      () => faults.shift()?.(),
      (error) => told.push((error as Error).message),
    );
    for (let i = 0; i < 3; i++) socket.emit('message', bytes, from(7));
    await Promise.resolve();
    expect(told).toEqual(['thrown', 'rejected']);
    expect(faultCounts()['TFTP: datagram']).toBe(before + 2);
  });
});

it('what the kernel does not take is said and not thrown', () => {
  socket.send = () => {
    throw new RangeError('Port should be > 0 and < 65536');
  };
  wire.send(socket, bytes, { address: '10.0.0.1', port: 0 });
  expect(lines).toEqual([
    ['TFTP: could not be sent', { client: '10.0.0.1', error: 'Port should be > 0 and < 65536' }],
  ]);
});

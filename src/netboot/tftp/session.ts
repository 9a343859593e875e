import { createSocket, type Socket } from 'node:dgram';
import { messageOf } from '../../domain/errors.js';
import { contained, detached } from '../../platform/boundary.js';
import { MalformedPacket } from '../../protocol/malformed-packet.js';
import { decodeTftp, encodeTftp, TFTP_ERROR, type TftpPacket } from '../../protocol/tftp/packet.js';
import {
  advanceTransfer,
  type Outgoing,
  retransmitAfter,
  type Transfer,
  type TransferEvent,
} from '../../protocol/tftp/transfer.js';
import type { Datagrams, Peer } from '../datagrams.js';
import type { BlockReader } from './block-reader.js';

/** Milliseconds of silence after which the same request starts anew: the machine was reset, for example. */
const LEFT_AFTER = 2_000;

/** One transfer: socket, timer and file, driven by the pure state machine. */
export class TftpSession {
  readonly #socket: Socket;
  #state: Transfer;
  #timer: NodeJS.Timeout | null = null;
  #dueAt = Number.POSITIVE_INFINITY;
  #over = false;

  /** @param ended called once, when the transfer has ended in any way and the socket is closed */
  constructor(
    private readonly wire: Datagrams,
    private readonly peer: Peer,
    private readonly reader: BlockReader,
    state: Transfer,
    private readonly ended: (state: Transfer) => void,
  ) {
    this.#state = state;
    // Peers are never host names: the synchronous lookup saves a turn of the event loop for every packet.
    this.#socket = createSocket({
      type: 'udp4',
      lookup: (address, _options, done) => done(null, address, 4),
    });
    const broken = (error: unknown) => this.#broken(error);
    this.wire.receive(this.#socket, (bytes, from) => this.#receive(bytes, from), broken);
    this.#socket.on('error', contained('TFTP: socket of a transfer', broken));
  }

  /** @param address local source address; the system chooses the port, which is the transfer's identifier */
  start(address: string): void {
    const bound = () => {
      if (!this.#over) this.#step({ type: 'start', now: performance.now() });
    };
    const begin = contained('TFTP: start of a transfer', bound, (error) => this.#broken(error));
    this.#socket.bind({ address, port: 0, exclusive: true }, begin);
  }

  /** The client repeated its request. */
  requestedAgain(): void {
    this.#step({ type: 'request', now: performance.now() });
  }

  /** The client acknowledged blocks and then went silent: it has started again. */
  get isLeft(): boolean {
    const { acked, heardAt } = this.#state;
    return acked > 0 && heardAt !== null && performance.now() - heardAt > LEFT_AFTER;
  }

  stop(why: string): void {
    this.#end({ ...this.#state, phase: 'failed', failure: why });
  }

  #receive(bytes: Uint8Array, from: Peer): void {
    if (this.#over) return;
    let packet: TftpPacket;
    try {
      packet = decodeTftp(bytes);
    } catch (error) {
      if (error instanceof MalformedPacket) return; // the client repeats the packet
      throw error;
    }
    if (from.port !== this.peer.port || from.address !== this.peer.address) {
      // RFC 1350 §4: a foreign source gets an error, and the transfer continues. An error is never answered with one.
      if (packet.op === 'error') return;
      const stranger = {
        op: 'error' as const,
        code: TFTP_ERROR.unknownTransfer,
        message: 'not your transfer',
      };
      this.wire.send(this.#socket, encodeTftp(stranger), from);
      return;
    }
    this.#step({ type: 'packet', packet, now: performance.now() });
  }

  #step(event: TransferEvent): void {
    const { state, send } = advanceTransfer(this.#state, event);
    this.#state = state;
    if (send.length > 0) this.#send(send);
    if (state.phase === 'done' || state.phase === 'failed') this.#end(state);
  }

  #send(send: readonly Outgoing[]): void {
    const first = send[0];
    const last = send.at(-1);
    if (first?.op !== 'block' || last?.op !== 'block') {
      for (const packet of send) if (packet.op !== 'block') this.#post(encodeTftp(packet));
      this.#arm();
      return;
    }
    try {
      if (this.reader.packet(first.block) === null || this.reader.packet(last.block) === null) {
        const sent = this.#sendWhenRead(first.block, last.block);
        detached('TFTP: file of a transfer', sent, (error) => this.#broken(error));
        return;
      }
      for (let block = first.block; block <= last.block; block++) this.#post(this.reader.packet(block)!);
      this.reader.forget(first.block);
      this.reader.prefetch(last.block);
      this.#arm();
    } catch (error) {
      this.#broken(error);
    }
  }

  async #sendWhenRead(first: number, last: number): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY; // the wait is for the local disk, not for the client
    await this.reader.load(first, last);
    if (this.#over) return;
    const from = Math.max(first, this.#state.acked + 1);
    const blocks: Outgoing[] = [];
    for (let block = from; block <= last; block++) blocks.push({ op: 'block', block });
    if (blocks.length > 0) this.#send(blocks);
  }

  #post(bytes: Uint8Array): void {
    // No callback: a failure arrives as the socket's error event, and a packet's memory is never reused.
    this.wire.send(this.#socket, bytes, this.peer);
  }

  /** One timer for the whole transfer: when it fires, it checks whether something was sent since. */
  #arm(): void {
    const wait = retransmitAfter(this.#state);
    this.#dueAt = performance.now() + wait;
    this.#timer ??= this.#after(wait);
  }

  #after(ms: number): NodeJS.Timeout {
    const fire = contained(
      'TFTP: timer of a transfer',
      () => this.#onTimer(),
      (error) => this.#broken(error),
    );
    return setTimeout(fire, ms);
  }

  #onTimer(): void {
    this.#timer = null;
    if (this.#over || this.#dueAt === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    const left = this.#dueAt - now;
    if (left > 1) this.#timer = this.#after(left);
    else this.#step({ type: 'timeout', now });
  }

  #broken(error: unknown): void {
    if (this.#over) return;
    this.#step({ type: 'broken', reason: messageOf(error), now: performance.now() });
  }

  #end(state: Transfer): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket.close();
    this.ended(state);
  }
}

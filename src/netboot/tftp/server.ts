import { setTimeout as sleep } from 'node:timers/promises';
import type { NetbootSection } from '../../config/section/netboot.js';
import { bootName } from '../../domain/boot-name.js';
import { messageOf } from '../../domain/errors.js';
import { Places } from '../../domain/network/source.js';
import { HeldPorts } from '../../platform/held-ports.js';
import type { Logger } from '../../platform/logger.js';
import { count, reading } from '../../platform/meter/meter.js';
import { ThrottledLog } from '../../platform/throttled-log.js';
import { MalformedPacket } from '../../protocol/malformed-packet.js';
import { printableAscii } from '../../protocol/printable.js';
import {
  decodeTftp,
  encodeTftp,
  OPCODE,
  TFTP_ERROR,
  type TftpErrorCode,
  type TftpPacket,
  type TftpRequest,
} from '../../protocol/tftp/packet.js';
import { openTransfer, type Transfer } from '../../protocol/tftp/transfer.js';
import { Datagrams, type Peer } from '../datagrams.js';
import { type OpenContent, openContent } from '../published/content.js';
import type { OnFetched } from '../published/file-sightings.js';
import type { Manifest, Published } from '../published/manifest.js';
import { shownName } from '../published/shown-name.js';
import { BlockReader } from './block-reader.js';
import { type Door, Doors } from './doors.js';
import { TftpSession } from './session.js';

/**
 * Requests whose file is being looked for or in line for that. Requests of one port replace each other, so that the
 * number of transfers does not limit them.
 */
const OPENINGS = { total: 2_048, perSource: 16 };

/** A request and its transfer. */
interface Served {
  request: TftpRequest;
  /** Null while the file is being opened. */
  session: TftpSession | null;
  /** The client sent another request from the same port. */
  givenUp?: boolean;
}

/** A published file, opened for a client. */
interface Opened {
  file: string;
  published: Published;
  content: OpenContent;
}

/** Serves the manifest by TFTP, for reading only. */
export class TftpServer {
  readonly #doors: Doors;
  /** By local address and the client's address and port: one transfer each. */
  readonly #served = new Map<string, Served>();
  readonly #places: Places;
  readonly #openings = new Places(OPENINGS);
  readonly #throttled: ThrottledLog;
  readonly #wire: Datagrams;
  #unmeter: () => void = () => {};

  constructor(
    private readonly section: NetbootSection['tftp'],
    private readonly manifest: Pick<Manifest, 'find'>,
    private readonly log: Logger,
    private readonly onFetched?: OnFetched,
  ) {
    const { max_sessions: total, max_sessions_per_client: perSource } = section;
    this.#places = new Places({ total, perSource });
    this.#throttled = new ThrottledLog(log);
    this.#wire = new Datagrams('TFTP', this.#throttled);
    this.#doors = new Doors((door) => {
      this.#wire.receive(door.socket, (bytes, from) => this.#receive(bytes, from, door));
    }, this.#throttled);
  }

  /** One line: on or off, and its address. */
  describe(): string {
    const { listen } = this.section;
    if (listen === null) return 'TFTP: off (netboot.tftp.listen names no address)';
    const { port } = this;
    if (port === null) return `TFTP: not started, ${listen}`;
    const each = listen === '0.0.0.0' ? ` (a socket on each of ${this.#doors.count} addresses)` : '';
    return `TFTP: on, ${listen} port ${port}, read only${each}`;
  }

  /** The UDP port, or null where it is not running. */
  get port(): number | null {
    return this.#doors.port;
  }

  /** Does nothing when TFTP is off. @throws Error when the address or port cannot be bound */
  async start(ports = new HeldPorts()): Promise<void> {
    const { listen, port } = this.section;
    if (listen === null) return;
    await this.#doors.open(listen, port, ports);
    this.#unmeter = reading('tftp_sessions', () => [{ labels: {}, value: this.#served.size }]);
  }

  /**
   * @param grace ms for running transfers to finish
   * @param hurry aborts them at once
   */
  async stop(grace = 0, hurry?: AbortSignal): Promise<void> {
    this.#unmeter();
    this.#doors.close();
    const end = performance.now() + grace;
    while (this.#served.size > 0 && performance.now() < end && !hurry?.aborted) await sleep(20);
    for (const { session } of this.#served.values()) session?.stop('the server stops');
  }

  #receive(bytes: Uint8Array, from: Peer, door: Door): void | Promise<void> {
    const packet = this.#decode(bytes, from, door);
    switch (packet?.op) {
      case 'rrq':
        return this.#serve(packet, from, door);
      case 'wrq':
        return this.#refuse(from, door, TFTP_ERROR.accessViolation, 'this server takes no files');
      case 'data':
      case 'ack':
      case 'oack':
        return this.#refuse(from, door, TFTP_ERROR.unknownTransfer, 'no transfer has this port');
      default: // An error packet is never answered with an error: two servers could loop.
        return;
    }
  }

  #decode(bytes: Uint8Array, from: Peer, door: Door): TftpPacket | null {
    try {
      return decodeTftp(bytes);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      const words = { client: from.address, error: error.message };
      this.#throttled.warn(words, 'TFTP: a packet that breaks the protocol');
      const isError = bytes.length < 2 || (bytes[0] === 0 && bytes[1] === OPCODE.error);
      if (!isError) this.#refuse(from, door, TFTP_ERROR.illegalOperation, error.reason);
      return null;
    }
  }

  async #serve(request: TftpRequest, from: Peer, door: Door): Promise<void> {
    const peer = { address: from.address, port: from.port };
    const key = `${door.address} ${peer.address}:${peer.port}`;
    const before = this.#served.get(key);
    if (before && isRepeat(request, before)) {
      before.session?.requestedAgain();
      return;
    }
    if (!this.#openings.take(peer.address)) {
      // Without an answer, since an error would end the client's boot; it repeats its request.
      count('tftp_transfers_total', { outcome: 'put off' });
      return;
    }
    try {
      if (before) this.#replace(key, before, peer);
      if (this.#admit(peer, door)) await this.#admitted(key, request, peer, door);
    } finally {
      this.#openings.giveBack(peer.address);
    }
  }

  async #admitted(key: string, request: TftpRequest, peer: Peer, door: Door): Promise<void> {
    const served: Served = { request, session: null };
    this.#served.set(key, served);
    const done = () => this.#forget(key, served, peer);
    try {
      await this.#begin(served, peer, door, done);
    } catch (error) {
      const words = { file: shown(request.filename), error: messageOf(error) };
      this.#throttled.error(words, 'TFTP: a file could not be opened');
      count('tftp_transfers_total', { outcome: 'fault of ours' });
      this.#refuse(peer, door, TFTP_ERROR.undefined, 'the file cannot be read now');
    }
    if (served.session === null) done();
  }

  /** @param done called at the end of the transfer; never called where none begins */
  async #begin(served: Served, peer: Peer, door: Door, done: () => void): Promise<void> {
    const { request } = served;
    const begun = performance.now();
    const name = bootName(request.filename);
    const found = name === null ? null : await this.#open(name, peer.address, () => !served.givenUp);
    // During the opening the client may have sent another request, or the server may have stopped.
    const wanted = !served.givenUp && this.#doors.isOpen(door);
    if (!found) {
      if (served.givenUp) return;
      this.#throttled.info({ client: peer.address, file: shown(request.filename) }, 'TFTP: no such file');
      count('tftp_transfers_total', { outcome: 'not found' });
      if (wanted) this.#refuse(peer, door, TFTP_ERROR.notFound, 'no such file');
      return;
    }
    const { published, content, file } = found;
    const opened = openTransfer(request, content.size, performance.now());
    if (!opened.ok || !wanted) {
      await content.close();
      if (!opened.ok && wanted) {
        this.#refuse(peer, door, opened.error.code as TftpErrorCode, opened.error.message);
      }
      return;
    }
    served.session = this.#session(peer, content, opened.state, (state) => {
      done();
      this.#report(state, request.filename, peer, begun);
      return this.onFetched?.({
        service: 'tftp',
        name: file,
        published,
        client: peer.address,
        bytes: sentOf(state),
      });
    });
    served.session.start(door.address);
  }

  /** A client has one transfer on a port: another request ends the one before. */
  #replace(key: string, before: Served, peer: Peer): void {
    before.givenUp = true;
    this.#forget(key, before, peer);
    before.session?.stop('the client asked for something else from the same port');
  }

  #admit(peer: Peer, door: Door): boolean {
    if (this.#places.take(peer.address)) return true;
    this.#throttled.warn({ client: peer.address }, 'TFTP: too many transfers, one refused');
    count('tftp_transfers_total', { outcome: 'refused' });
    this.#refuse(peer, door, TFTP_ERROR.undefined, 'too many transfers');
    return false;
  }

  async #open(file: string, client: string, isWanted: () => boolean): Promise<Opened | null> {
    const published = await this.manifest.find('tftp', file, client, isWanted);
    const content = published && (await openContent(published));
    return content && { file, published, content };
  }

  #session(
    peer: Peer,
    content: OpenContent,
    state: Transfer,
    ended: (state: Transfer) => void | Promise<void>,
  ): TftpSession {
    const reader = new BlockReader(content, state.size, state.blksize);
    return new TftpSession(this.#wire, peer, reader, state, (last) => {
      const recorded = ended(last);
      reader
        .settle()
        .then(() => content.close())
        .then(() => recorded)
        .catch((error) =>
          this.#throttled.error({ error: messageOf(error) }, 'TFTP: a file could not be closed'),
        );
    });
  }

  #forget(key: string, served: Served, { address }: Peer): void {
    if (this.#served.get(key) !== served) return;
    this.#served.delete(key);
    this.#places.giveBack(address);
  }

  #refuse(peer: Peer, door: Door, code: TftpErrorCode, message: string): void {
    if (this.#doors.isOpen(door))
      this.#wire.send(door.socket, encodeTftp({ op: 'error', code, message }), peer);
  }

  #report(state: Transfer, name: string, peer: Peer, begun: number): void {
    const { size, blksize, windowsize, failure } = state;
    const words = { client: peer.address, file: shown(name), size, blksize, windowsize };
    const ms = Math.round(performance.now() - begun);
    count('tftp_transfers_total', { outcome: failure === null ? 'sent' : 'cut' });
    count('tftp_bytes_total', {}, sentOf(state));
    if (failure === null) this.log.info({ ...words, ms }, 'TFTP: sent');
    else this.log.info({ ...words, ms, sent: sentOf(state), failure }, 'TFTP: not sent whole');
  }
}

/** Whether this is a retransmission, because the answer is late or lost, and not a client that starts again. */
function isRepeat(request: TftpRequest, { request: before, session }: Served): boolean {
  const options = (of: TftpRequest) => JSON.stringify([of.filename, of.mode, ...of.options]);
  return options(request) === options(before) && session?.isLeft !== true;
}

/** Bytes that the client has acknowledged. */
function sentOf({ size, acked, blksize }: Transfer): number {
  return Math.min(size, acked * blksize);
}

/** A client's text for a log line. */
function shown(name: string): string {
  return shownName(printableAscii(name, name.length)).slice(0, 120);
}

import { createSocket, type Socket } from 'node:dgram';
import type { NetbootSection } from '../../config/section/netboot.js';
import { messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { Sparingly } from '../../platform/sparingly.js';
import { MalformedPacket } from '../../protocol/malformed-packet.js';
import {
  decodeTftp,
  encodeTftp,
  TFTP_ERROR,
  type TftpErrorCode,
  type TftpPacket,
  type TftpRequest,
} from '../../protocol/tftp/packet.js';
import { openTransfer, type Transfer } from '../../protocol/tftp/transfer.js';
import { Datagrams, type Peer } from '../datagrams.js';
import type { Manifest } from '../published/manifest.js';
import { openPublished } from '../published/open-file.js';
import { BlockReader, type BlockSource } from './block-reader.js';
import { TftpSession } from './session.js';

interface Content {
  size: number;
  source: BlockSource;
  close(): Promise<void>;
}

/** Serves the manifest by TFTP, for reading only. */
export class TftpServer {
  #socket: Socket | null = null;
  /** By the client's address and port: a request that is repeated does not begin a second transfer. */
  readonly #sessions = new Map<string, TftpSession | null>();
  readonly #perAddress = new Map<string, number>();
  readonly #sparingly: Sparingly;
  readonly #wire: Datagrams;

  constructor(
    private readonly section: NetbootSection['tftp'],
    private readonly manifest: Pick<Manifest, 'find'>,
    private readonly log: Logger,
  ) {
    this.#sparingly = new Sparingly(log);
    this.#wire = new Datagrams('TFTP', this.#sparingly);
  }

  /** One line: on or off, and where. */
  describe(): string {
    if (this.section.listen === null) return 'TFTP: off (netboot.tftp.listen names no address)';
    const port = this.port;
    return port === null
      ? `TFTP: not started, ${this.section.listen}`
      : `TFTP: on, ${this.section.listen} port ${port}, read only`;
  }

  /** The UDP port, or null where it is not running. */
  get port(): number | null {
    return this.#socket?.address().port ?? null;
  }

  /** Does nothing where TFTP is off. @throws Error where the address or port cannot be bound */
  async start(): Promise<void> {
    const { listen, port } = this.section;
    if (listen === null) return;
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: listen, port, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    const broken = (error: Error) => this.#sparingly.error({ error: error.message }, 'TFTP: socket');
    socket.on('error', contained('TFTP: socket', broken));
    this.#wire.receive(socket, (bytes, from) => this.#receive(bytes, from));
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    this.#socket?.close();
    this.#socket = null;
    for (const session of this.#sessions.values()) session?.stop();
  }

  #receive(bytes: Uint8Array, from: Peer): void | Promise<void> {
    let packet: TftpPacket;
    try {
      packet = decodeTftp(bytes);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      this.#sparingly.warn(
        { client: from.address, error: error.message },
        'TFTP: a packet that breaks the protocol',
      );
      return;
    }
    // What belongs into a transfer has no business on this port, and an answer could be a loop between two servers.
    if (packet.op === 'wrq') this.#refuse(from, TFTP_ERROR.accessViolation, 'this server takes no files');
    else if (packet.op === 'rrq') return this.#serve(packet, from);
  }

  async #serve(request: TftpRequest, from: Peer): Promise<void> {
    const peer = { address: from.address, port: from.port };
    const key = `${peer.address}:${peer.port}`;
    if (this.#sessions.has(key)) {
      this.#sessions.get(key)?.requestedAgain();
      return;
    }
    const count = this.#perAddress.get(peer.address) ?? 0;
    if (count >= this.section.max_sessions_per_client || this.#sessions.size >= this.section.max_sessions) {
      this.#sparingly.warn(
        { client: peer.address, transfers: count },
        'TFTP: too many transfers, one refused',
      );
      this.#refuse(peer, TFTP_ERROR.undefined, 'too many transfers');
      return;
    }
    this.#sessions.set(key, null);
    this.#perAddress.set(peer.address, count + 1);
    const begun = performance.now();
    const name = request.filename.replace(/^\/+/, '');
    try {
      const content = await this.#open(name, peer.address);
      const opened = content ? openTransfer(request, content.size, performance.now()) : null;
      if (content && opened?.ok && this.#socket) {
        const session = this.#session(peer, content, opened.state, (state) => {
          this.#forget(key, peer);
          this.#report(state, name, peer, begun);
        });
        this.#sessions.set(key, session);
        session.start(this.section.listen!);
        return;
      }
      await content?.close();
      if (opened?.ok === false) this.#refuse(peer, opened.error.code as TftpErrorCode, opened.error.message);
      if (opened === null) {
        this.#refuse(peer, TFTP_ERROR.notFound, 'no such file');
        this.#sparingly.info({ client: peer.address, file: shown(name) }, 'TFTP: no such file');
      }
    } catch (error) {
      this.#sparingly.error(
        { file: shown(name), error: messageOf(error) },
        'TFTP: a file could not be opened',
      );
      this.#refuse(peer, TFTP_ERROR.undefined, 'the file cannot be read now');
    }
    this.#forget(key, peer);
  }

  async #open(name: string, client: string): Promise<Content | null> {
    const published = await this.manifest.find('tftp', name, client);
    if (!published) return null;
    if (published.kind === 'text') return textContent(published.text);
    const file = await openPublished(published.path, published.links);
    return file && { size: file.stats.size, source: file.handle, close: () => file.handle.close() };
  }

  #session(peer: Peer, content: Content, state: Transfer, ended: (state: Transfer) => void): TftpSession {
    const reader = new BlockReader(content.source, state.size, state.blksize);
    return new TftpSession(this.#wire, peer, reader, state, (last) => {
      ended(last);
      reader
        .settle()
        .then(() => content.close())
        .catch((error) =>
          this.#sparingly.error({ error: messageOf(error) }, 'TFTP: a file could not be closed'),
        );
    });
  }

  #forget(key: string, { address }: Peer): void {
    this.#sessions.delete(key);
    const count = (this.#perAddress.get(address) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }

  #refuse(peer: Peer, code: TftpErrorCode, message: string): void {
    if (this.#socket) this.#wire.send(this.#socket, encodeTftp({ op: 'error', code, message }), peer);
  }

  #report(state: Transfer, name: string, peer: Peer, begun: number): void {
    const { size, blksize, windowsize, failure } = state;
    const words = { client: peer.address, file: shown(name), size, blksize, windowsize };
    const ms = Math.round(performance.now() - begun);
    if (failure === null) this.log.info({ ...words, ms }, 'TFTP: sent');
    else
      this.log.info(
        { ...words, ms, sent: Math.min(size, state.acked * blksize), failure },
        'TFTP: not sent whole',
      );
  }
}

function textContent(text: string): Content {
  const bytes = Buffer.from(text);
  return {
    size: bytes.length,
    source: {
      readv: async <T extends readonly NodeJS.ArrayBufferView[]>(buffers: T, position?: number | null) => {
        let at = position ?? 0;
        for (const view of buffers) {
          at += bytes.copy(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), 0, at);
        }
        return { bytesRead: at - (position ?? 0), buffers };
      },
    },
    close: async () => undefined,
  };
}

/** A client's text on its way into a log line. */
function shown(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}

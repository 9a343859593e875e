import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ASF_TYPE, decodeAsf, encodeAsf, presencePong } from '../../src/protocol/ipmi/asf.js';
import { COMPLETION, PRIVILEGE } from '../../src/protocol/ipmi/command.js';
import {
  decodeMessage,
  encodeMessage,
  type IpmiRequest,
  responseTo,
} from '../../src/protocol/ipmi/message.js';
import {
  decodeRmcp,
  encodeRmcp,
  encodeRmcpIpmi,
  RMCP_CLASS,
  RMCP_NO_ACK,
} from '../../src/protocol/ipmi/rmcp.js';
import { openPacket, sealPacket } from '../../src/protocol/ipmi/security.js';
import {
  AUTH_TYPE,
  decodeSessionV15,
  decodeSessionV20,
  encodeSessionV15,
  encodeSessionV20,
  PAYLOAD,
} from '../../src/protocol/ipmi/session-header.js';
import { MalformedPacket } from '../../src/protocol/malformed-packet.js';
import { appCommands } from './app-commands.js';
import { chassisCommands } from './chassis-commands.js';
import { type ChassisState, type CommandContext, type Reply, refused } from './command-table.js';
import { type BmcFault, FaultSet } from './fault.js';
import { HandshakeResponder } from './handshake.js';
import type { Machine } from './machine.js';
import { nodeCrypto } from './node-crypto.js';
import { type Session, SessionTable } from './session.js';
import { type BmcUser, checkUser } from './user.js';

/** An event of a BMC, for a log or an assertion; never contains a password. */
export type BmcEvent =
  | { kind: 'command'; netFn: number; command: number; data: string; code: number; session: boolean }
  | { kind: 'login'; user: string }
  | { kind: 'dropped'; reason: string }
  | { kind: 'failed'; error: unknown };

export interface VirtualBmcOptions {
  machine: Machine;
  users: readonly BmcUser[];
  guid?: Uint8Array;
  /** Greatest number of concurrent sessions, half-open ones included. Default 16. */
  maxSessions?: number;
  /** Idle timeout of a session, ms. Default 60 000 (§6.12.15). */
  sessionTimeout?: number;
  /** Milliseconds until unused one-shot boot flags are cleared. Default 60 000. */
  flagTimeout?: number;
  /** Duration of its own reset, ms, in which it ignores packets. Absent: no reset, 0xc1. */
  restartTime?: number;
  onEvent?: (event: BmcEvent) => void;
}

const ROWS = new Map(
  [...appCommands, ...chassisCommands].map((row) => [(row.netFn << 8) | row.command, row]),
);

/** An IPMI 2.0 BMC on a UDP socket, with cipher suites 3 and 17 only. */
export class VirtualBmc implements AsyncDisposable {
  readonly faults = new FaultSet();
  readonly machine: Machine;
  readonly #sessions: SessionTable;
  readonly #handshake: HandshakeResponder;
  readonly #chassis: ChassisState;
  readonly #guid: Uint8Array;
  readonly #event: (event: BmcEvent) => void;
  readonly #restartTime: number | undefined;
  /** End of its own reset, by performance.now(). */
  #deafUntil = 0;
  #socket: Socket | undefined;

  constructor(options: VirtualBmcOptions) {
    for (const user of options.users) checkUser(user);
    this.machine = options.machine;
    this.#guid = options.guid ?? nodeCrypto.random(16);
    this.#event = options.onEvent ?? (() => undefined);
    this.#restartTime = options.restartTime;
    this.#sessions = new SessionTable(options.maxSessions ?? 16, options.sessionTimeout ?? 60_000);
    this.#handshake = new HandshakeResponder(this.#sessions, options.users, this.#guid, this.faults, (user) =>
      this.#event({ kind: 'login', user }),
    );
    this.#chassis = {
      identifyUntil: 0,
      bootParameters: new Map(),
      powerFault: false,
      answerWithin: 500,
      flagTimer: undefined,
      flagTimeout: options.flagTimeout ?? 60_000,
      failed: (error) => this.#event({ kind: 'failed', error }),
    };
  }

  /** Port 0 takes a free one. */
  async listen(port: number, host = '127.0.0.1'): Promise<AddressInfo> {
    const socket = createSocket('udp4');
    socket.bind(port, host);
    await once(socket, 'listening');
    return this.attach(socket);
  }

  /** Serves an already bound socket, such as one from inside a network namespace, and closes it at the end. */
  attach(socket: Socket): AddressInfo {
    this.#socket = socket;
    socket.on('message', (bytes, from) => {
      this.#receive(bytes, from, socket).catch((error: unknown) => this.#event({ kind: 'failed', error }));
    });
    socket.on('error', (error) => this.#event({ kind: 'failed', error }));
    return socket.address();
  }

  setFaults(...faults: readonly BmcFault[]): void {
    this.faults.set(faults);
  }

  /** Ends all sessions, as a BMC's own cold reset does. */
  dropSessions(): void {
    this.#sessions.clear();
  }

  #restart(duration: number): void {
    this.dropSessions();
    this.#deafUntil = performance.now() + duration;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  async close(): Promise<void> {
    clearTimeout(this.#chassis.flagTimer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #receive(bytes: Uint8Array, from: RemoteInfo, socket: Socket): Promise<void> {
    if (this.faults.loses('to') || performance.now() < this.#deafUntil) return;
    let answer: Uint8Array | undefined;
    try {
      answer = await this.#answer(bytes);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      this.#event({ kind: 'dropped', reason: error.message }); // no response: it would help a forger
      return;
    }
    if (answer === undefined) return;
    const delay = this.faults.delay(answer);
    if (delay > 0) await sleep(delay, undefined, { ref: false });
    if (this.faults.loses('from')) return;
    for (const packet of this.faults.onTheWire(answer)) {
      if (this.#socket !== socket) return;
      if (this.faults.has('from-elsewhere')) {
        const other = createSocket('udp4');
        other.send(packet, from.port, from.address, () => other.close());
      } else socket.send(packet, from.port, from.address);
    }
  }

  async #answer(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const rmcp = decodeRmcp(bytes);
    if (rmcp.acknowledge) return undefined;
    if (rmcp.messageClass === RMCP_CLASS.asf) {
      const asf = decodeAsf(rmcp.body);
      if (asf.type !== ASF_TYPE.presencePing) return undefined;
      const body = encodeAsf(presencePong(asf.tag));
      return encodeRmcp({ sequence: RMCP_NO_ACK, messageClass: RMCP_CLASS.asf, acknowledge: false, body });
    }
    if (rmcp.messageClass !== RMCP_CLASS.ipmi) return undefined;
    const packet =
      rmcp.body[0] === AUTH_TYPE.rmcpPlus
        ? await this.#rmcpPlus(rmcp.body)
        : await this.#version15(rmcp.body);
    return packet === undefined ? undefined : encodeRmcpIpmi(packet);
  }

  /** IPMI 1.5 packets outside a session, for discovery only: IPMI 1.5 sessions are not offered. */
  async #version15(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const { authType, sessionId, payload } = decodeSessionV15(bytes);
    if (authType !== AUTH_TYPE.none || sessionId !== 0)
      throw new MalformedPacket(0, 'no IPMI 1.5 session here');
    const answer = await this.#message(payload, undefined);
    return encodeSessionV15({ authType: AUTH_TYPE.none, sequence: 0, sessionId: 0, payload: answer });
  }

  async #rmcpPlus(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const packet = decodeSessionV20(bytes);
    const plain = (payloadType: number, payload: Uint8Array | undefined) =>
      payload &&
      encodeSessionV20({
        payloadType,
        encrypted: false,
        authenticated: false,
        sessionId: 0,
        sequence: 0,
        payload,
      });
    switch (packet.payloadType) {
      case PAYLOAD.openSessionRequest:
        return plain(PAYLOAD.openSessionResponse, this.#handshake.open(packet.payload));
      case PAYLOAD.rakp1:
        return plain(PAYLOAD.rakp2, this.#handshake.rakp1(packet.payload));
      case PAYLOAD.rakp3:
        return plain(PAYLOAD.rakp4, this.#handshake.rakp3(packet.payload));
      case PAYLOAD.ipmi:
        break;
      default:
        throw new MalformedPacket(1, `payload type ${packet.payloadType} is not served`);
    }
    if (packet.sessionId === 0) return plain(PAYLOAD.ipmi, await this.#message(packet.payload, undefined));
    const session = this.#sessions.get(packet.sessionId);
    if (session?.keys === undefined || !session.active) throw new MalformedPacket(2, 'no such session');
    const message = openPacket(nodeCrypto, session.suite, session.keys, bytes, packet);
    // Checked after the authentication code: a forged packet must not move the window.
    if (!session.accept(packet.sequence)) throw new MalformedPacket(6, 'sequence number outside the window');
    session.touched = performance.now();
    const payload = await this.#once(message, session);
    if (this.faults.has('skips')) session.nextSequence();
    return sealPacket(nodeCrypto, session.suite, session.keys, {
      payloadType: PAYLOAD.ipmi,
      sessionId: session.consoleId,
      sequence: session.nextSequence(),
      payload,
    });
  }

  /** A client that misses the response repeats its message with the same sequence: it must not power-cycle twice. */
  #once(message: Uint8Array, session: Session): Promise<Uint8Array> {
    const key = Buffer.from(message).toString('latin1');
    if (session.last?.key !== key) session.last = { key, answer: this.#message(message, session) };
    return session.last.answer;
  }

  async #message(bytes: Uint8Array, session: Session | undefined): Promise<Uint8Array> {
    const request = decodeMessage(bytes);
    if (request.kind !== 'request') throw new MalformedPacket(1, 'a response, not a request');
    const { netFn, command } = request;
    if (this.faults.mute(netFn, command)) throw new MalformedPacket(1, 'a command it is mute to');
    const reply = await this.#run(request, session);
    const data = Buffer.from(request.data).toString('hex');
    this.#event({ kind: 'command', netFn, command, data, code: reply.code, session: session !== undefined });
    return encodeMessage(responseTo(request, reply.code, reply.data));
  }

  async #run(request: IpmiRequest, session: Session | undefined): Promise<Reply> {
    const row = ROWS.get((request.netFn << 8) | request.command);
    const privilege = row?.privilege ?? PRIVILEGE.user;
    if (privilege > (session?.privilege ?? 0)) return refused(COMPLETION.insufficientPrivilege);
    if (row === undefined) return refused(COMPLETION.invalidCommand);
    if (this.faults.unsupported(request.netFn, request.command)) return refused(COMPLETION.invalidCommand);
    const refusal = this.faults.refusal(request.netFn, request.command);
    if (refusal !== undefined) return refused(refusal);
    if (request.data.length < row.length) return refused(COMPLETION.requestLengthInvalid);
    const context: CommandContext = {
      machine: this.machine,
      faults: this.faults,
      sessions: this.#sessions,
      session,
      guid: this.#guid,
      chassis: this.#chassis,
      restart: this.#restartTime === undefined ? undefined : () => this.#restart(this.#restartTime ?? 0),
    };
    return row.run(request.data, context);
  }
}

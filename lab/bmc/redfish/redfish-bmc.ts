import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateFor, makeFleetKey } from '../../simulated/certificate.js';
import { Accounts, type RedfishUser } from './accounts.js';
import { type Answer, type Body, type Call, link, Refusal, refuse } from './answer.js';
import { biosResources } from './bios.js';
import { type Board, pathsOf, type RedfishEvent } from './board.js';
import { BootOverride } from './boot.js';
import { Dispatcher } from './dispatch.js';
import { downloadTo, type Route } from './download.js';
import { type RedfishFault, RedfishFaults } from './fault.js';
import type { RedfishMachine } from './machine.js';
import { chassisResources, managerResources } from './manager.js';
import { VirtualMedia } from './media.js';
import { adapterResources, storageResources } from './parts.js';
import { PERSONALITIES, type Personality, type PersonalityName } from './personality.js';
import { type Quirks, quirksOf } from './quirks.js';
import { secureBootResources } from './secure-boot.js';
import { systemResources } from './system.js';
import { Tasks } from './tasks.js';
import { Updates } from './update.js';

export interface RedfishBmcOptions {
  machine: RedfishMachine;
  users: readonly RedfishUser[];
  /** Default `standard`. */
  personality?: PersonalityName | Personality;
  /** Overrides of the personality's quirks. */
  quirks?: Partial<Quirks>;
  /** Idle timeout of a session, ms. Default 30 min. */
  sessionTimeout?: number;
  /** Duration of its own restart, ms. Default 3 s. */
  restartTime?: number;
  /** Directory of inserted media. Default: a temporary one. */
  directory?: string;
  /** Route of the BMC's own requests; default: this process's network. */
  route?: Route;
  onEvent?: (event: RedfishEvent) => void;
}

/** Greatest size of a request body, bytes. */
const MOST_BODY = 64 * 2 ** 20;

/**
 * A BMC that serves Redfish (DSP0266, DSP0268) over HTTPS with a certificate of its own, in front of any machine of the
 * lab. The personality sets the vendor whose behaviour it copies; quirks and faults are switches.
 *
 *     await using bmc = new RedfishBmc({ machine, users: [{ name: 'admin', password: 'secret12' }] });
 *     await bmc.listen(0);          // bmc.url, bmc.certificate
 */
export class RedfishBmc implements AsyncDisposable {
  readonly faults = new RedfishFaults();
  readonly personality: Personality;
  readonly quirks: Quirks;
  readonly accounts: Accounts;
  /** Events in order; they contain no passwords. */
  readonly events: RedfishEvent[] = [];
  /** Self-signed certificate for the address that it listens on, PEM. */
  certificate = '';
  readonly #dispatcher: Dispatcher;
  readonly #board: Board;
  readonly #sockets = new Set<Duplex>();
  readonly #directory: string;
  readonly #ownDirectory: boolean;
  #server: Server | undefined;
  /** End of its restart, by performance.now(): until then it does not respond. */
  #deafUntil = 0;
  #files = 0;

  constructor(private readonly options: RedfishBmcOptions) {
    const { personality = 'standard', machine } = options;
    this.personality = typeof personality === 'string' ? PERSONALITIES[personality] : personality;
    this.quirks = quirksOf(this.personality, options.quirks);
    this.#ownDirectory = options.directory === undefined;
    this.#directory = options.directory ?? mkdtempSync(join(tmpdir(), 'redfish-bmc-'));
    const board: Board = {
      machine,
      personality: this.personality,
      quirks: this.quirks,
      faults: this.faults,
      download: (url, name) => this.#download(url, name),
      event: (event) => this.#event(event),
      changed: () => undefined,
      onStart: [],
      firmware: new Map([
        ['bios', '1.0'],
        ['bmc', this.personality.firmware],
        ['nic', '22.1.0'],
        ['cpld', '3'],
        ['loader', '1'],
      ]),
      restart: () => this.restart(),
      lastReset: { at: Number.NEGATIVE_INFINITY, type: '' },
    };
    this.#board = board;
    this.accounts = new Accounts(board, options.users, options.sessionTimeout ?? 30 * 60_000);
    this.#dispatcher = new Dispatcher(board, (...request) => this.accounts.authenticate(...request));
    this.#compose();
  }

  get url(): string {
    const { address, port } = this.#listening().address() as AddressInfo;
    return `https://${address}:${port}`;
  }

  get systemPath(): string {
    return pathsOf(this.personality).system;
  }

  /** Port 0 takes a free one. */
  async listen(port: number, host = '127.0.0.1'): Promise<AddressInfo> {
    return this.#serve((server) => server.listen(port, host), host);
  }

  /** Serves an already listening server, such as one from inside a network namespace. */
  async attach(where: TcpServer): Promise<AddressInfo> {
    const { address } = where.address() as AddressInfo;
    return this.#serve((server) => server.listen(where), address);
  }

  setFaults(...faults: readonly RedfishFault[]): void {
    this.faults.set(faults);
  }

  /** Replaces the certificate for all further connections. */
  changeCertificate(): void {
    const server = this.#listening();
    server.setSecureContext(this.#newCertificate((server.address() as AddressInfo).address));
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks every connection, drops its sessions, and does not respond for `duration` ms. */
  restart(duration = this.options.restartTime ?? 3_000): void {
    this.#deafUntil = performance.now() + duration;
    this.accounts.dropSessions();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Number of requests with a method and a text in their path, refused ones included. */
  count(method: string, path: string): number {
    return this.events.filter(
      (event) => event.kind === 'request' && event.method === method && event.path.includes(path),
    ).length;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) {
      const closed = once(server, 'close');
      server.close();
      for (const socket of this.#sockets) socket.destroy();
      await closed;
    }
    if (this.#ownDirectory) rmSync(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #listening(): Server {
    if (!this.#server) throw new Error('the BMC does not listen');
    return this.#server;
  }

  #compose(): void {
    const board = this.#board;
    const { personality } = this;
    const { system, manager } = pathsOf(personality);
    const boot = new BootOverride(board);
    const media = new VirtualMedia(board);
    const tasks = new Tasks(board);
    const { systems, managers } = personality.slots;
    const ofSystem = systems.length > 0 ? `${system}/VirtualMedia` : `${manager}/VirtualMedia`;
    const systemLinks = systems.length > 0 || personality.systemLinksToManager;
    this.#dispatcher.add({
      '/redfish': { open: true, get: () => ({ v1: '/redfish/v1/' }) },
      '/redfish/v1': { open: true, get: () => this.#root() },
      ...systemResources(board, boot, {
        ...(systemLinks ? { VirtualMedia: link(ofSystem) } : {}),
        Bios: link(`${system}/Bios`),
        Storage: link(`${system}/Storage`),
        ...(board.machine.secureBoot ? { SecureBoot: link(`${system}/SecureBoot`) } : {}),
      }),
      ...secureBootResources(board),
      ...biosResources(board),
      ...managerResources(
        board,
        managers.length > 0 ? { VirtualMedia: link(`${manager}/VirtualMedia`) } : {},
      ),
      ...chassisResources(board),
      ...storageResources(board),
      ...adapterResources(board),
      ...tasks.resources(),
      ...new Updates(board, tasks).resources(),
      ...(systems.length > 0 ? media.resources(system, systems) : {}),
      ...(managers.length > 0 ? media.resources(manager, managers) : {}),
      ...this.accounts.resources(),
    });
  }

  #root(): Body {
    const { personality } = this;
    return {
      '@odata.id': '/redfish/v1/',
      '@odata.type': '#ServiceRoot.v1_13_0.ServiceRoot',
      Id: 'RootService',
      Name: 'Root Service',
      RedfishVersion: personality.redfish,
      UUID: this.options.machine.hardware?.uuid ?? null,
      ...(personality.vendor === null ? {} : { Vendor: personality.vendor }),
      ...(personality.product === null ? {} : { Product: personality.product }),
      ProtocolFeaturesSupported: personality.expand
        ? { ExpandQuery: { ExpandAll: true, Levels: true, Links: true, MaxLevels: 1, NoLinks: true } }
        : {},
      Systems: link('/redfish/v1/Systems'),
      Managers: link('/redfish/v1/Managers'),
      Chassis: link('/redfish/v1/Chassis'),
      SessionService: link('/redfish/v1/SessionService'),
      AccountService: link('/redfish/v1/AccountService'),
      Registries: link('/redfish/v1/Registries'),
      Tasks: link('/redfish/v1/TaskService'),
      UpdateService: link('/redfish/v1/UpdateService'),
      Links: { Sessions: link('/redfish/v1/SessionService/Sessions') },
    };
  }

  async #serve(listen: (server: Server) => void, host: string): Promise<AddressInfo> {
    const server = createServer(this.#newCertificate(host), (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#event({ kind: 'failed', error });
        response.destroy();
      });
    });
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy()); // a client that disconnects is no fault
      if (performance.now() < this.#deafUntil || this.faults.has('dead')) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('tlsClientError', () => undefined); // a client that does not trust the certificate reports that itself
    listen(server);
    await once(server, 'listening');
    this.#server = server;
    return server.address() as AddressInfo;
  }

  #newCertificate(host: string): { key: string; cert: string } {
    const key = makeFleetKey();
    this.certificate = certificateFor(host, key);
    return { key: key.privatePem, cert: this.certificate };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const url = new URL(request.url ?? '/', 'https://bmc');
    const path = url.pathname.replace(/(?<=.)\/+$/, '');
    const { faults } = this;
    if (
      faults.has('dead') ||
      performance.now() < this.#deafUntil ||
      faults.take('lost-request', method, path)
    ) {
      request.socket.destroy();
      return;
    }
    const raw = await bytesOf(request);
    const restarts = faults.take('restarts', method, path);
    if (restarts && !restarts.done) {
      this.restart(restarts.down);
      return;
    }
    const { headers } = request;
    const call: Call = { method, path, query: url.searchParams, headers, body: {}, raw, user: '' };
    const answer = await this.#decide(call);
    this.#event({ kind: 'request', method, path, status: answer.status, user: call.user });
    const delay = faults.take('slow')?.delay ?? 0;
    if (delay > 0) await sleep(delay, undefined, { ref: false });
    if (restarts) this.restart(restarts.down);
    if (restarts || faults.take('lost-answer', method, path)) {
      request.socket.destroy();
      return;
    }
    this.#send(response, method, answer, faults.take('junk', method, path)?.bytes);
    answer.after?.();
  }

  async #decide(call: Call): Promise<Answer> {
    const { method, path } = call;
    try {
      const status = this.faults.take('status', method, path);
      if (status) {
        const name = status.message ?? 'GeneralError';
        const refusal = refuse(status.status, name, `The service answers ${status.status}.`);
        const retry: Record<string, string> =
          status.retryAfter === undefined ? {} : { 'Retry-After': String(status.retryAfter) };
        throw new Refusal(status.status, refusal.messages, retry);
      }
      const redirect = this.faults.take('redirect', method, path);
      if (redirect) return { status: 302, headers: { Location: redirect.to } };
      call.body = parsed(call);
      return await this.#dispatcher.run(call);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return {
        status: error.status,
        headers: error.headers,
        body: error.toBody(this.quirks.singleExtendedInfo),
      };
    }
  }

  #send(response: ServerResponse, method: string, { status, headers, body }: Answer, junk?: number): void {
    const text = junk === undefined ? (body === undefined ? '' : JSON.stringify(body)) : 'x'.repeat(junk);
    response.writeHead(status, {
      'OData-Version': '4.0',
      'Cache-Control': 'no-cache',
      ...(text === '' ? {} : { 'Content-Type': 'application/json; charset=utf-8' }),
      ...(status === 204 || status === 304 ? {} : { 'Content-Length': Buffer.byteLength(text) }),
      ...headers,
    });
    response.end(method === 'HEAD' ? undefined : text);
  }

  async #download(url: string, name: string): Promise<{ path: string; bytes: number }> {
    const path = join(this.#directory, `media-${name}-${++this.#files}`);
    try {
      return { path, bytes: await downloadTo(url, path, this.options.route) };
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }

  #event(event: RedfishEvent): void {
    this.events.push(event);
    if (this.events.length > MOST_EVENTS) this.events.splice(0, MOST_EVENTS / 2);
    this.options.onEvent?.(event);
  }
}

const MOST_EVENTS = 20_000;

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MOST_BODY) throw new Error(`a request of more than ${MOST_BODY} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** Bodies that are not JSON are left to resources that read `raw`. */
function parsed({ raw, headers }: Call): Body {
  const type = headers['content-type'] ?? '';
  if (raw.length === 0 || (type !== '' && !type.includes('json'))) return {};
  let body: unknown;
  try {
    body = JSON.parse(raw.toString());
  } catch {
    throw refuse(400, 'MalformedJSON', 'The request body was malformed JSON and could not be parsed.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refuse(400, 'UnrecognizedRequestBody', 'The request body is not an object.');
  return body as Body;
}

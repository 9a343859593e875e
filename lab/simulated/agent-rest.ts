import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { AGENT_COMMANDS, type CommandContext, type Json } from './agent-command.js';
import { AgentError, toAgentError } from './agent-error.js';
import { certificateFor, type FleetKey } from './certificate.js';

interface CommandRecord {
  id: string;
  command_name: string;
  command_status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CLEAN_VERSION_MISMATCH';
  command_error: Json | null;
  command_result: Json | null;
}

/** Limit of a request body, bytes: a config drive in base64 fits. */
const MAX_BODY = 96 * 1024 * 1024;

export interface AgentRestOptions {
  address: string;
  port: number;
  key: FleetKey;
  token: () => string | undefined;
  context: CommandContext;
  /** Called when an asynchronous command has ended. */
  onEnded: () => void;
}

/** The agent's REST API over TLS: one command at a time, and the results of all. */
export class AgentRest {
  readonly certificate: string;
  readonly #records: { record: CommandRecord; done: Promise<void> }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #http: Server;
  readonly #secure: SecureContext;
  #tcp: TcpServer | undefined;

  constructor(private readonly options: AgentRestOptions) {
    this.certificate = certificateFor(options.address, options.key);
    this.#secure = createSecureContext({ key: options.key.privatePem, cert: this.certificate });
    this.#http = createHttpServer((request, response) => void this.#serve(request, response));
  }

  async listen(): Promise<void> {
    const { address, port } = this.options;
    // One plain TCP server for each agent with TLS on its sockets: an https.Server is several times as large.
    this.#tcp = createTcpServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy()); // a client that disconnects is no fault
      const secured = new TLSSocket(socket, { isServer: true, secureContext: this.#secure });
      secured.on('error', () => socket.destroy());
      this.#http.emit('connection', secured);
    });
    this.#tcp.listen(port, address);
    await once(this.#tcp, 'listening');
  }

  /** Ends everything at once, as a machine that loses power: connections are cut without a close. */
  close(): void {
    this.#tcp?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let status = 200;
    let body: unknown;
    try {
      body = await this.#route(request);
    } catch (error) {
      const known = toAgentError(error);
      status = known.code;
      body = { faultcode: status >= 500 ? 'Server' : 'Client', faultstring: known.message };
    }
    const text = JSON.stringify(body);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  async #route(request: IncomingMessage): Promise<unknown> {
    const url = new URL(request.url ?? '/', 'https://agent');
    const path = url.pathname.replace(/\/+$/, '');
    const method = request.method ?? 'GET';
    if (path === '/v1/status' && method === 'GET') return { started_at: 0, version: 'simulated' };
    const given = url.searchParams.get('agent_token');
    const token = this.options.token();
    if (token === undefined || given !== token)
      throw new AgentError('Unauthorized', 401, '401 Unauthorized', 'Token invalid.');
    const wait = ['true', '1'].includes(url.searchParams.get('wait') ?? '');
    if (path === '/v1/commands' && method === 'GET')
      return { commands: this.#records.map(({ record }) => record) };
    if (path === '/v1/commands' && method === 'POST') {
      const entry = await this.#start(await readJson(request));
      if (wait) await entry.done;
      return entry.record;
    }
    const id = /^\/v1\/commands\/([^/]+)$/.exec(path)?.[1];
    const found = this.#records.find(({ record }) => record.id === id);
    if (found === undefined || method !== 'GET')
      throw new AgentError(
        'RequestedObjectNotFoundError',
        404,
        'Not found',
        `Command Result with id ${id} not found.`,
      );
    if (wait) await found.done;
    return found.record;
  }

  async #start(body: Json): Promise<{ record: CommandRecord; done: Promise<void> }> {
    const { name, params } = body;
    if (typeof name !== 'string' || typeof params !== 'object' || params === null)
      throw new AgentError(
        'InvalidContentError',
        400,
        'Invalid request body',
        'Missing or invalid name or params',
      );
    const last = this.#records.at(-1)?.record;
    if (last?.command_status === 'RUNNING')
      throw new AgentError('AgentIsBusy', 409, 'Agent is busy', `executing command ${last.command_name}`);
    const command = AGENT_COMMANDS[name];
    const [extension, short] = name.split('.', 2) as [string, string?];
    if (command === undefined || short === undefined) {
      if (Object.keys(AGENT_COMMANDS).some((known) => known.startsWith(`${extension}.`)))
        throw new AgentError('InvalidCommandError', 400, 'Invalid command', `Unknown command: ${short}`);
      throw new AgentError(
        'RequestedObjectNotFoundError',
        404,
        'Not found',
        `Extension with id ${extension} not found.`,
      );
    }
    const record: CommandRecord = {
      id: randomUUID(),
      // As upstream: a failed synchronous command keeps its extension's name, all others drop it.
      command_name: short,
      command_status: 'RUNNING',
      command_error: null,
      command_result: null,
    };
    const { context, onEnded } = this.options;
    const done = (async () => {
      try {
        if (context.faults.fails(name)) throw new Error(`command ${name} fails, as it was told to`);
        const result = await command.run(params as Json, context);
        record.command_result = typeof result === 'string' ? { result: `${short}: ${result}` } : result;
        record.command_status = 'SUCCEEDED';
      } catch (error) {
        const known = toAgentError(error);
        record.command_error = known.toWire();
        record.command_status = known.type === 'VersionMismatch' ? 'CLEAN_VERSION_MISMATCH' : 'FAILED';
        if (command.kind === 'sync') record.command_name = name;
      }
      if (command.kind === 'async') onEnded();
    })();
    const entry = { record, done };
    this.#records.push(entry);
    if (command.kind === 'sync') await done;
    return entry;
  }
}

async function readJson(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY)
      throw new AgentError('InvalidContentError', 413, 'Invalid request body', 'too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
  } catch {
    throw new AgentError('InvalidContentError', 400, 'Invalid request body', 'not JSON');
  }
}

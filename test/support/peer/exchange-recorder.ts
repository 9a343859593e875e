import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { makeCertificate } from '../../../agent/src/certificate.js';
import type { HeartbeatBody } from '../../../src/protocol/agent/heartbeat.js';

/** A request with its response, as sent by one side and received by the other. */
export interface Exchange {
  from: 'agent' | 'conductor';
  request: { method: string; path: string; version?: string; body?: unknown };
  answer: { status: number; body?: unknown };
}

export interface RecorderOptions {
  /** The address of this process for agents and the conductor. */
  address: string;
  /** Listening servers at that address: one for the API, one for the conductors' requests to agents. */
  servers: { api: TcpServer; callback: TcpServer };
  /** Maps a base URL of the peers to one that this process can reach. Default: the same. */
  reach?: (url: string) => Promise<string>;
}

/**
 * A proxy between an agent and a conductor that records their exchanges. It presents a certificate of its own to the
 * conductor, and accepts only the agent's.
 */
export class ExchangeRecorder {
  readonly exchanges: Exchange[] = [];
  /** URL of the API behind it, as the peers reach it. */
  behind = '';
  private agent: { url: string; ca: string | undefined } | undefined;
  private readonly certificate;
  private readonly servers: (http.Server | https.Server)[] = [];

  private constructor(private readonly options: RecorderOptions) {
    this.certificate = makeCertificate(options.address, 'recorder');
  }

  static async start(options: RecorderOptions): Promise<ExchangeRecorder> {
    const recorder = new ExchangeRecorder(options);
    const { certificate: cert, privateKey: key } = recorder.certificate;
    const api = http.createServer((request, response) => void recorder.#take('agent', request, response));
    const callback = https.createServer(
      { cert, key },
      (request, response) => void recorder.#take('conductor', request, response),
    );
    recorder.servers.push(api.listen(options.servers.api), callback.listen(options.servers.callback));
    return recorder;
  }

  /** URL of the API for agents. */
  get apiUrl(): string {
    return `http://${this.options.address}:${portOf(this.options.servers.api)}`;
  }

  async stop(): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  async #take(
    from: Exchange['from'],
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const { method = 'GET', url: path = '/' } = request;
      const version = request.headers['x-openstack-ironic-api-version'];
      const said = from === 'agent' && path.startsWith('/v1/heartbeat/') ? this.#instead(text) : text;
      const base = from === 'agent' ? this.behind : this.agent!.url;
      const ca = from === 'agent' ? undefined : this.agent!.ca;
      const reached = (await this.options.reach?.(base)) ?? base;
      const answer = await ask(reached, path, method, request.headers, said, ca);
      this.exchanges.push({
        from,
        request: {
          method,
          path,
          ...(typeof version === 'string' ? { version } : {}),
          ...(text === '' ? {} : { body: JSON.parse(text) }),
        },
        answer: { status: answer.status, ...(answer.text === '' ? {} : { body: parsed(answer.text) }) },
      });
      response.writeHead(answer.status, answer.headers);
      response.end(answer.text);
    } catch (error) {
      response.destroy(error as Error); // each side sees a cut connection, as it would without the proxy
    }
  }

  /** The heartbeat for the conductor: with the proxy's address and certificate instead of the agent's. */
  #instead(text: string): string {
    const body = JSON.parse(text) as HeartbeatBody;
    this.agent = { url: body.callback_url, ca: body.agent_verify_ca };
    const url = `https://${this.options.address}:${portOf(this.options.servers.callback)}`;
    return JSON.stringify({ ...body, callback_url: url, agent_verify_ca: this.certificate.certificate });
  }
}

const portOf = (server: TcpServer) => (server.address() as AddressInfo).port;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // an error page: kept unchanged
  }
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

async function ask(
  base: string,
  path: string,
  method: string,
  given: http.IncomingHttpHeaders,
  text: string,
  ca: string | undefined,
): Promise<Answer> {
  const { host: _host, 'content-length': _length, 'transfer-encoding': _coding, ...headers } = given;
  const body = text === '' ? undefined : Buffer.from(text);
  const options = {
    method,
    headers: { ...headers, ...(body ? { 'content-length': String(body.length) } : {}) },
    agent: false as const,
    // The forwarded address is not the one in the certificate: only the certificate itself is checked.
    ...(ca === undefined ? {} : { ca, checkServerIdentity: () => undefined }),
  };
  const request = base.startsWith('https:')
    ? https.request(base + path, options)
    : http.request(base + path, options);
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const type = response.headers['content-type'];
  return {
    status: response.statusCode!,
    headers: type === undefined ? {} : { 'content-type': type },
    text: Buffer.concat(chunks).toString(),
  };
}

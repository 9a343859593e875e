import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../../agent/src/certificate.js';
import { type HeartbeatBody, parseHeartbeatBody } from '../../../src/protocol/agent/heartbeat.js';

export interface SeenHeartbeat {
  /** Time of arrival, by performance.now(). */
  at: number;
  version: string | undefined;
  body: HeartbeatBody;
}

export const TOKEN = 'T'.repeat(43);
export const NODE_UUID = '1be26c0b-03f2-4d2e-ae87-c02d7f33c123';

/** The three resources of the Bare Metal API that an agent uses, over HTTPS unless a test asks for HTTP. */
export class FakeConductor {
  readonly heartbeats: SeenHeartbeat[] = [];
  readonly lookups: string[] = [];
  /** Error statuses of the next lookups, before the node is found. */
  lookupRefusals: number[] = [];
  /** Error statuses of the next heartbeats, before they are accepted. */
  heartbeatRefusals: number[] = [];
  apiVersion = '1.115';
  token: string = TOKEN;
  config: object = {};
  node: Record<string, unknown> = {
    uuid: NODE_UUID,
    properties: {},
    instance_info: {},
    driver_internal_info: {},
  };
  private readonly server: http.Server;

  private constructor(private readonly scheme: 'http' | 'https') {
    const own = makeCertificate('127.0.0.1', 'conductor');
    const serve: http.RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const [status, body] = this.answer(
          request.method!,
          request.url!,
          Buffer.concat(chunks).toString(),
          request.headers['x-openstack-ironic-api-version'] as string | undefined,
        );
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
    };
    const tls = { cert: own.certificate, key: own.privateKey };
    this.server = scheme === 'http' ? http.createServer(serve) : https.createServer(tls, serve);
  }

  static async start(scheme: 'http' | 'https' = 'https'): Promise<FakeConductor> {
    const conductor = new FakeConductor(scheme);
    conductor.server.listen(0, '127.0.0.1');
    await once(conductor.server, 'listening');
    return conductor;
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Resolves with the first accepted heartbeat after this call. */
  async nextHeartbeat(timeout = 10_000): Promise<SeenHeartbeat> {
    const count = this.heartbeats.length;
    const until = performance.now() + timeout;
    while (this.heartbeats.length <= count) {
      if (performance.now() > until) throw new Error(`no heartbeat within ${timeout} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.heartbeats[count]!;
  }

  private answer(method: string, url: string, text: string, version: string | undefined): [number, unknown?] {
    if (url === '/') return [200, { default_version: { version: this.apiVersion } }];
    if (method === 'GET' && url.startsWith('/v1/lookup')) {
      this.lookups.push(url);
      const refusal = this.lookupRefusals.shift();
      if (refusal) return [refusal, fault('Client', 'Node could not be found.')];
      const config = {
        heartbeat_timeout: 300,
        agent_token: this.token,
        agent_token_required: true,
        ...this.config,
      };
      return [200, { node: this.node, config }];
    }
    if (method === 'POST' && url === `/v1/heartbeat/${NODE_UUID}`) {
      const refusal = this.heartbeatRefusals.shift();
      this.heartbeats.push({ at: performance.now(), version, body: parseHeartbeatBody(JSON.parse(text)) });
      return refusal ? [refusal, fault('Client', 'refused')] : [202];
    }
    return [404, fault('Client', 'no such resource')];
  }
}

/** Ironic's error body: JSON inside JSON. */
function fault(faultcode: string, faultstring: string): object {
  return { error_message: JSON.stringify({ faultcode, faultstring, debuginfo: null }) };
}

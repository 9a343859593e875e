import http from 'node:http';
import https from 'node:https';
import { type HeartbeatBody, heartbeatFor } from '../../src/protocol/agent/heartbeat.js';
import type { AgentSettings } from '../../src/protocol/agent/kernel-parameters.js';
import { type LookupAnswer, parseLookupAnswer } from '../../src/protocol/agent/lookup.js';
import { withSystems } from './authorities.js';
import { messageOf } from './error.js';

/** Newest microversion whose answers this agent understands: agent_verify_ca is new in 1.68. */
const NEWEST_MINOR = 68;
const LOOKUP_MINOR = 62;
const OLDEST_MINOR = 31;
const MAX_ANSWER = 8 * 2 ** 20;

export interface ApiAnswer {
  status: number;
  body: unknown;
  /** For people: the API's fault text, or the start of the body. */
  text: string;
}

export type LookupOutcome =
  | { kind: 'found'; answer: LookupAnswer }
  /** The conductor has reserved the node. */
  | { kind: 'locked'; why: string }
  | { kind: 'unknown'; why: string }
  | { kind: 'unreachable'; why: string };

export type HeartbeatOutcome =
  | { kind: 'accepted' }
  | { kind: 'locked' | 'refused' | 'unreachable'; why: string };

/** A client of the Bare Metal API for agents: root, lookup and heartbeat. Several URLs are tried in turn. */
export class ApiClient {
  private urls: readonly string[];
  private minor: number | undefined;

  /** @param authorities PEM: certificate authorities that the API may have beside the system's */
  constructor(
    private readonly settings: AgentSettings,
    private readonly authorities?: string,
  ) {
    this.urls = settings.apiUrls;
    this.minor = settings.ironicApiMinor;
  }

  /** The URL that answered last. */
  get url(): string {
    return this.urls[0]!;
  }

  /** Minor of the newest microversion that the API offers; 31 when it names none. */
  async apiMinor(): Promise<number> {
    if (this.minor !== undefined) return this.minor;
    const answer = await this.request('GET', '/');
    const root = answer.body as { default_version?: { version?: unknown } } | undefined;
    const match = /^1\.(\d+)$/.exec(String(root?.default_version?.version));
    if (answer.status !== 200 || !match) return OLDEST_MINOR;
    this.minor = Number(match[1]);
    return this.minor;
  }

  /** @returns whether the API accepts the agent's own certificate in a heartbeat */
  async supportsOwnCertificate(): Promise<boolean> {
    return (await this.apiMinor()) >= 68;
  }

  async lookup(macs: readonly string[], nodeUuid?: string): Promise<LookupOutcome> {
    const query = new URLSearchParams({
      addresses: macs.join(','),
      ...(nodeUuid ? { node_uuid: nodeUuid } : {}),
    });
    try {
      const minor = Math.min(await this.apiMinor(), LOOKUP_MINOR);
      // Commas stay unescaped: proxies and logs show readable addresses, and every server accepts both forms.
      const path = `/v1/lookup?${query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')}`;
      const answer = await this.request('GET', path, { minor });
      if (answer.status === 409) return { kind: 'locked', why: answer.text };
      if (answer.status !== 200) return { kind: 'unknown', why: `${answer.status} ${answer.text}` };
      return { kind: 'found', answer: parseLookupAnswer(answer.body) };
    } catch (error) {
      return { kind: 'unreachable', why: messageOf(error) };
    }
  }

  async heartbeat(nodeUuid: string, body: HeartbeatBody): Promise<HeartbeatOutcome> {
    try {
      const minor = Math.min(await this.apiMinor(), NEWEST_MINOR);
      const answer = await this.request('POST', `/v1/heartbeat/${encodeURIComponent(nodeUuid)}`, {
        minor,
        body: heartbeatFor(minor, body),
      });
      if (answer.status === 202) return { kind: 'accepted' };
      return { kind: answer.status === 409 ? 'locked' : 'refused', why: `${answer.status} ${answer.text}` };
    } catch (error) {
      return { kind: 'unreachable', why: messageOf(error) };
    }
  }

  /** Posts to a URL outside of the API. @throws Error when there is no answer */
  async postTo(url: string, body: unknown): Promise<ApiAnswer> {
    return this.requestOne('POST', url, { body });
  }

  private async request(
    method: string,
    path: string,
    options: { minor?: number; body?: unknown } = {},
  ): Promise<ApiAnswer> {
    const failures: string[] = [];
    for (const [index, base] of this.urls.entries()) {
      try {
        const answer = await this.requestOne(method, base + path, options);
        // The URL that answered comes first from now on.
        this.urls = [...this.urls.slice(index), ...this.urls.slice(0, index)];
        return answer;
      } catch (error) {
        failures.push(`${base}: ${messageOf(error)}`);
      }
    }
    throw new Error(failures.join('; '));
  }

  private async requestOne(
    method: string,
    url: string,
    { minor, body }: { minor?: number; body?: unknown },
  ): Promise<ApiAnswer> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string> = { accept: 'application/json' };
    if (payload) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(payload.length);
    }
    if (minor !== undefined) headers['x-openstack-ironic-api-version'] = `1.${minor}`;
    if (this.settings.globalRequestId) headers['x-openstack-request-id'] = this.settings.globalRequestId;
    const timeout = this.settings.httpRequestTimeout * 1000;
    return new Promise((resolve, reject) => {
      const secure = url.startsWith('https:');
      const request = (secure ? https : http).request(
        url,
        {
          method,
          headers,
          signal: AbortSignal.timeout(timeout),
          agent: false,
          ...(secure
            ? {
                rejectUnauthorized: !this.settings.insecure,
                minVersion: this.settings.tlsMinVersion,
                ca: withSystems(this.authorities),
              }
            : {}),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_ANSWER) request.destroy(new Error('the answer is too long'));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve(readAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString())),
          );
        },
      );
      request.on('error', (error) =>
        reject(error.name === 'TimeoutError' ? new Error(`no answer within ${timeout / 1000} s`) : error),
      );
      request.end(payload);
    });
  }
}

function readAnswer(status: number, raw: string): ApiAnswer {
  const body = parseJson(raw);
  return { status, body, text: faultText(body) ?? raw.slice(0, 200) };
}

/** Fault text of `{"error_message": "<JSON as a string>"}`, of the same object bare, or of neither. */
function faultText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const outer = (body as Record<string, unknown>)['error_message'] ?? body;
  const inner = typeof outer === 'string' ? (parseJson(outer) ?? outer) : outer;
  if (typeof inner === 'string') return inner;
  const fault = (inner as Record<string, unknown> | null)?.['faultstring'];
  return typeof fault === 'string' ? fault : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON, such as a proxy's page: the status decides
  }
}

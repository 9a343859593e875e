import { setTimeout as sleep } from 'node:timers/promises';
import { readServerSentEvents, type ServerSentEvent } from './server-sent-events.js';

export type Json = Record<string, unknown>;

/** A node as the API returns it; only the fields that the demo reads. */
export interface ShownNode extends Json {
  uuid: string;
  name: string | null;
  provision_state: string;
  target_provision_state: string | null;
  power_state: string | null;
  last_error: string | null;
  maintenance: boolean;
  maintenance_reason: string | null;
  driver_internal_info: Json;
}

/** An entry of a node's history, as `GET /v1/events/stream` sends it. */
export interface NodeEvent {
  node_uuid: string;
  event_type: string;
  event: string;
  severity: string;
  from_state: string | null;
  state: string | null;
  /** ISO 8601. */
  created_at: string;
}

/** A response with status 400 or above. */
export class ApiError extends Error {
  constructor(
    readonly request: string,
    readonly status: number,
    readonly reason: string,
  ) {
    super(`${request} was answered ${status}: ${reason}`);
  }
}

/** Failure states: a node leaves them only by an operator's request. */
const FAILED = ['deploy failed', 'clean failed', 'inspect failed', 'error'];

/** Client of the Bare Metal API, newest microversion. */
export class BareMetalApi {
  /** @param url base URL without a slash at the end */
  constructor(
    readonly url: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** @throws ApiError for a status of 400 and more */
  async request(method: string, path: string, body?: unknown): Promise<Json> {
    const signal = AbortSignal.any([AbortSignal.timeout(60_000), ...(this.signal ? [this.signal] : [])]);
    const response = await fetch(this.url + path, {
      method,
      signal,
      // The older of the two version headers: Ironic before 2023 knows no other.
      headers: { 'x-openstack-ironic-api-version': 'latest', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 400) throw new ApiError(`${method} ${path}`, response.status, reasonOf(text));
    return text === '' ? {} : (JSON.parse(text) as Json);
  }

  async node(ident: string): Promise<ShownNode> {
    return (await this.request('GET', `/v1/nodes/${ident}`)) as ShownNode;
  }

  /** Replaces (or sets) fields by JSON Patch. */
  async patch(ident: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const operations = Object.entries(fields).map(([path, value]) => ({ op: 'add', path, value }));
    await this.request('PATCH', `/v1/nodes/${ident}`, operations);
  }

  /** Requests `manage`, `provide`, `active`, `deleted` and so on; retries while the node is locked. */
  async provision(ident: string, target: string, more: Json = {}): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.request('PUT', `/v1/nodes/${ident}/states/provision`, { target, ...more });
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || ![409, 503].includes(error.status) || attempt === 5) throw error;
        await sleep(1_000, undefined, this.signal ? { signal: this.signal } : {});
      }
    }
  }

  /**
   * Waits until the node has settled in `state`.
   * @param options.timeout milliseconds
   * @param options.onLook is called with the node twice a second
   * @throws Error with the node's last_error when it settles in another state
   */
  async waitForState(
    ident: string,
    state: string,
    options: { timeout: number; onLook?: (node: ShownNode) => void },
  ): Promise<ShownNode> {
    const late = performance.now() + options.timeout;
    for (;;) {
      const node = await this.#look(ident);
      if (node !== null) {
        options.onLook?.(node);
        const { provision_state: now, target_provision_state: target } = node;
        if (now === state && target === null) return node;
        const stuck = FAILED.includes(now) || target === null;
        if (stuck) throw new Error(`the node is in "${now}" instead of "${state}": ${why(node)}`);
      }
      if (performance.now() > late) {
        throw new Error(
          `the node did not come to "${state}" in ${options.timeout / 1000} s` +
            (node === null ? '; the API does not answer' : ` but is in "${node.provision_state}"`),
        );
      }
      await sleep(500, undefined, this.signal ? { signal: this.signal } : {});
    }
  }

  /**
   * The live event stream from now on. Resolves once it is open; reconnects after cut connections until `signal` fires.
   */
  async events(signal: AbortSignal): Promise<AsyncIterable<NodeEvent>> {
    return this.#follow(await this.#openStream(signal), signal);
  }

  async *#follow(
    opened: AsyncIterable<ServerSentEvent> | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<NodeEvent> {
    let stream = opened;
    let lastId: string | undefined;
    while (!signal.aborted) {
      try {
        stream ??= await this.#openStream(signal, lastId);
        for await (const message of stream) {
          lastId = message.id ?? lastId;
          yield JSON.parse(message.data) as NodeEvent;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError) throw error; // a response, and not one worth a retry
      }
      stream = undefined;
      await sleep(500, undefined, { signal }).catch(() => undefined); // aborted: the loop's condition checks it
    }
  }

  async #openStream(signal: AbortSignal, lastId?: string): Promise<AsyncIterable<ServerSentEvent>> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    };
    const response = await fetch(`${this.url}/v1/events/stream`, { headers, signal });
    if (!response.ok || response.body === null) {
      throw new ApiError('GET /v1/events/stream', response.status, await response.text());
    }
    return readServerSentEvents(response.body);
  }

  /** Null while the daemon does not respond, such as between a crash and the next start. */
  async #look(ident: string): Promise<ShownNode | null> {
    try {
      return await this.node(ident);
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      this.signal?.throwIfAborted();
      return null;
    }
  }
}

function why(node: ShownNode): string {
  return node.last_error ?? node.maintenance_reason ?? 'it gives no reason';
}

/** Message of an error body, which is JSON inside JSON (wsme and pecan, as Ironic sends it). */
function reasonOf(text: string): string {
  try {
    const { error_message: inner } = JSON.parse(text) as { error_message: string };
    return (JSON.parse(inner) as { faultstring: string }).faultstring;
  } catch {
    return text.slice(0, 300);
  }
}

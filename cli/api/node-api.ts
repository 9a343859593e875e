import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../src/domain/json.js';
import { ApiError } from '../exit-status.js';
import type { GlobalOptions, Shell } from '../shell.js';
import { ApiClient, type Method } from './api-client.js';
import { login } from './login.js';

/** A node as the API shows it; the fields depend on what was asked for. */
export type NodeRow = JsonObject & {
  uuid: string;
  name: string | null;
  provision_state: string;
  target_provision_state: string | null;
};

/** Fields that listings, filters and waits need. */
const FIELDS = [
  'uuid',
  'name',
  'provision_state',
  'target_provision_state',
  'power_state',
  'maintenance',
  'fault',
  'driver',
  'resource_class',
  'conductor_group',
  'conductor',
  'owner',
  'lessee',
  'shard',
  'instance_uuid',
  'description',
  'traits',
  'last_error',
  'provision_updated_at',
] as const;

/** Answer of `GET /v1/nodes/{node}/why`; see docs/reference/api.md. */
export interface Why {
  attempt: string | null;
  kind: string | null;
  outcome: string | null;
  step: string | null;
  cause: string;
  seen: string;
  next: string[];
  error: string | null;
}

export interface AttemptRow extends JsonObject {
  uuid: string;
  kind: string;
  state: string;
  outcome: string | null;
  error: string | null;
  created_at: string;
  duration_seconds: number | null;
  user: string | null;
}

/** How often and at what pace a request is repeated while another holds the node, ms. */
const LOCKED = { times: 15, pace: 2_000 };

/** The Bare Metal API's nodes, and Ferric's own routes below them. */
export class NodeApi {
  #client: Promise<ApiClient> | undefined;

  constructor(
    private readonly options: GlobalOptions,
    private readonly shell: Shell,
  ) {}

  async list(): Promise<NodeRow[]> {
    const rows: NodeRow[] = [];
    let next: string | undefined = `/v1/nodes?limit=1000&include_children=true&fields=${FIELDS.join(',')}`;
    while (next !== undefined) {
      const page: { nodes: NodeRow[]; next?: string } = await this.#ask('GET', next);
      rows.push(...page.nodes);
      next = page.next === undefined ? undefined : page.next.slice(page.next.indexOf('/v1/'));
    }
    return rows;
  }

  show = (node: string) => this.#ask<NodeRow>('GET', at(node));
  brief = (node: string) => this.#ask<NodeRow>('GET', `${at(node)}?fields=${FIELDS.join(',')}`);
  create = (node: JsonObject) => this.#ask<NodeRow>('POST', '/v1/nodes', node);
  createPort = (port: JsonObject) => this.#ask<JsonObject>('POST', '/v1/ports', port);
  edit = (node: string, patch: JsonObject[]) => this.#unlocked<NodeRow>('PATCH', at(node), patch);
  remove = (node: string) => this.#unlocked<void>('DELETE', at(node));
  provision = (node: string, body: JsonObject) =>
    this.#unlocked<void>('PUT', `${at(node)}/states/provision`, body);
  power = (node: string, target: string) =>
    this.#unlocked<void>('PUT', `${at(node)}/states/power`, { target });
  maintenance = (node: string, reason: string | null) =>
    reason === null
      ? this.#unlocked<void>('DELETE', `${at(node)}/maintenance`)
      : this.#unlocked<void>('PUT', `${at(node)}/maintenance`, { reason });
  validate = (node: string) => this.#ask<JsonObject>('GET', `${at(node)}/validate`);
  why = (node: string, attempt?: string) =>
    this.#ask<Why>('GET', `${at(node)}/why${attempt === undefined ? '' : `?attempt=${attempt}`}`);
  attempts = async (node: string, limit: number) =>
    (await this.#ask<{ attempts: AttemptRow[] }>('GET', `${at(node)}/attempts?limit=${limit}`)).attempts;
  summary = (by: string) =>
    this.#ask<{ total: number; groups: (JsonObject & { count: number })[] }>('GET', `/v1/summary?by=${by}`);
  conductors = async () =>
    (await this.#ask<{ conductors: { hostname: string; alive: boolean }[] }>('GET', '/v1/conductors'))
      .conductors;

  /** A login that has expired meanwhile, as in a long wait, is made again once. */
  async #ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const client = this.#connect();
    try {
      return await (await client).json<T>(method, path, body);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401 || this.#client !== client) throw error;
      this.#client = undefined;
      return (await this.#connect()).json<T>(method, path, body);
    }
  }

  /** A node that another operation holds is asked for again, as the clients of OpenStack do. */
  async #unlocked<T>(method: 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
    for (let turn = 1; ; turn++) {
      try {
        return await this.#ask<T>(method, path, body);
      } catch (error) {
        const locked =
          error instanceof ApiError && error.status === 409 && / is locked by /.test(error.message);
        if (!locked || turn === LOCKED.times) throw error;
        await sleep(LOCKED.pace, undefined, { signal: this.shell.signal });
      }
    }
  }

  #connect(): Promise<ApiClient> {
    this.#client ??= login(this.options, this.shell).then((who) => new ApiClient(who, this.shell));
    return this.#client;
  }
}

const at = (node: string) => `/v1/nodes/${encodeURIComponent(node)}`;

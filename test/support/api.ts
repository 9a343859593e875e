import { randomUUID } from 'node:crypto';
import { createAgentApi } from '../../src/api/agent-api.js';
import { type Access, NoAuth } from '../../src/api/auth/access.js';
import { VERSION_HEADER } from '../../src/api/microversion/microversion.js';
import { createOperatorApi } from '../../src/api/operator-api.js';
import { Conductor } from '../../src/conductor/service/conductor.js';
import { type agentSection, apiSection } from '../../src/config/section/core.js';
import { ImageService } from '../../src/image/image-service.js';
import type { Download } from '../../src/image-library/image-library.js';
import { IMAGE_LIBRARY } from '../../src/image-library/image-library.module.js';
import { EventStream } from '../../src/persistence/event/event-stream.js';
import { type Container, injected } from '../../src/platform/injected.js';
import { type FakeConductorOptions, fakeConductor } from './conductor.js';
import type { TestDatabase } from './database.js';
import { startLibrary } from './image-library.js';
import { imageBed } from './image-service.js';
import { checkAnswer } from './openapi.js';

const EVENT_STREAM = injected({ stream: EventStream });

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
  /** faultstring or description of an error. */
  fault: string;
}

/**
 * Client of one listener that checks good responses against the OpenAPI document. Version: N of 1.N, `latest`, a
 * header's text, or null for none.
 */
export class ApiClient {
  constructor(
    readonly base: string,
    readonly version: number | string | null = 115,
    private readonly always: Record<string, string> = {},
  ) {}

  at(version: number | string | null): ApiClient {
    return new ApiClient(this.base, version, this.always);
  }

  /** A client that sends these headers in every request, such as a login. */
  with(always: Record<string, string>): ApiClient {
    return new ApiClient(this.base, this.version, always);
  }

  get = (path: string, headers: Record<string, string> = {}) => this.send('GET', path, undefined, headers);
  delete = (path: string) => this.send('DELETE', path);
  post = (path: string, body: unknown) => this.send('POST', path, body);
  put = (path: string, body: unknown) => this.send('PUT', path, body);
  patch = (path: string, body: unknown) => this.send('PATCH', path, body);

  /** @param body a string is sent unchanged, anything else as JSON */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const version = typeof this.version === 'number' ? `1.${this.version}` : this.version;
    const response = await fetch(`${this.base}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(version === null ? {} : { 'x-openstack-ironic-api-version': version }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...this.always,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null;
    checkAnswer({
      method,
      path,
      headers: version === null ? headers : { [VERSION_HEADER]: version, ...headers },
      status: response.status,
      body: response.headers.get('content-type')?.startsWith('application/json') ? json : undefined,
    });
    return { status: response.status, headers: response.headers, text, json, fault: faultOf(json) };
  }
}

function faultOf(json: { error_message?: string; faultstring?: string } | null): string {
  if (typeof json?.error_message === 'string') {
    const inner = JSON.parse(json.error_message) as { faultstring?: string; description?: string };
    return inner.faultstring ?? inner.description ?? '';
  }
  return json?.faultstring ?? '';
}

/** Registers a live conductor of another group. */
async function serveElsewhere(
  database: TestDatabase,
  { conductors }: Awaited<ReturnType<typeof fakeConductor>>['parts'],
  group: string,
) {
  const hostname = `conductor-of-${group}`;
  const row = { hostname, conductor_group: group, drivers: ['fake-hardware'], instance: randomUUID() };
  await conductors.register(row);
  const sql = `update conductor set updated_at = now() + interval '1 hour' where hostname = $1`;
  await database.source.query(sql, [hostname]);
}

/** Starts both listeners on a real database and a real conductor with fake hardware. */
export async function startApi(
  database: TestDatabase,
  options: {
    api?: Partial<ReturnType<typeof apiSection.parse>>;
    agent?: Partial<ReturnType<typeof agentSection.parse>>;
    conductor?: (real: Conductor) => Conductor;
    /** Conductor groups that other conductors serve. */
    groups?: readonly string[];
    access?: Access;
    /** Keys of the section `image_service`. */
    images?: object;
    download?: Download;
    /** URL of an outside Image service. */
    glance?: string;
    conductorOptions?: FakeConductorOptions;
  } = {},
) {
  const images = await startLibrary(database, options.images, options.download);
  const bed = await imageBed(options.glance === undefined ? {} : { glance: { url: options.glance } });
  const { conductorOptions = {} } = options;
  const fake = await fakeConductor(database, {
    ...(options.agent ? { agent: options.agent } : {}),
    ...conductorOptions,
    config: { api: { ...apiSection.parse(undefined), ...options.api }, image_service: images.section },
    replaced: [
      [IMAGE_LIBRARY, images.library],
      [ImageService, bed.service],
    ],
  });
  const { parts } = fake;
  await fake.start(null);
  for (const group of options.groups ?? []) await serveElsewhere(database, parts, group);
  const { stream } = EVENT_STREAM.from(fake.container);
  await stream.start();
  const conductor = options.conductor?.(fake.conductor) ?? fake.conductor;
  const container: Container = {
    get: (token, how) => (token === Conductor ? conductor : fake.container.get(token, how)),
  };
  const operator = await createOperatorApi(container, options.access ?? new NoAuth());
  const agent = await createAgentApi(container);
  const at = await operator.listen({ address: '127.0.0.1', port: 0 });
  const agentAt = await agent.listen({ address: '127.0.0.1', port: 0 });
  return {
    ...fake,
    stream,
    images,
    /** The image cache. */
    bed,
    operator,
    agentListener: agent,
    api: new ApiClient(`http://127.0.0.1:${at.port}`),
    agent: new ApiClient(`http://127.0.0.1:${agentAt.port}`),
    async stop() {
      await operator.close();
      await agent.close();
      await images.close();
      await bed.close();
      await stream.stop();
      await fake.stop(null);
    },
  };
}

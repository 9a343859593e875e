import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ConnectionLimits, capConnections } from '../platform/connection-cap.js';
import { Drain } from '../platform/drain.js';
import { HeldPorts } from '../platform/held-ports.js';
import { inTurn } from '../platform/in-turn.js';
import type { Logger } from '../platform/logger.js';
import { registerListener } from '../platform/own-listeners.js';
import { ThrottledLog } from '../platform/throttled-log.js';
import { type Access, ANYBODY, nameable } from './auth/access.js';
import { Gate } from './auth/gate.js';
import { Scope } from './auth/scope.js';
import { refuseGone } from './error/client-gone.js';
import { ErrorFilter } from './error/error.filter.js';
import { RouteTable } from './error/route-table.js';
import {
  MAX_VERSION,
  MAX_VERSION_HEADER,
  MIN_VERSION,
  MIN_VERSION_HEADER,
  Microversion,
  negotiate,
  VERSION_HEADER,
} from './microversion/microversion.js';
import type { ApiRequest, Asked } from './request/asked.js';
import { type BodyBudget, BodyReader } from './request/body-reader.js';
import { expire, isStreamed, requireJson } from './request/bytes.js';
import { OriginRule } from './request/origin-rule.js';
import { ParseThread } from './request/parse-thread.js';
import { isOfImages, normalisePath, shownPath } from './request/path.js';
import { parseQuery } from './request/query.js';
import { meterRequests } from './request-meter.js';
import { JsonText } from './resource/json-text.js';
import { declaredRoutes } from './routes.js';

/** ms for running answers to finish when the listener closes. */
const CLOSE_GRACE = 5_000;
/** Limits of a listener without its own. */
const CONNECTIONS: ConnectionLimits = { total: 4096, perClient: 1024 };
const BODIES: BodyBudget = { total: 256 * 2 ** 20, perClient: 128 * 2 ** 20 };

export interface ListenerOptions {
  access: Access;
  /** Its name in metrics. */
  name: 'api' | 'agent';
  log: Logger;
  /** Base URL in links; null: from the Host header. */
  publicEndpoint: string | null;
  maxBodyBytes: number;
  /** Larger limits of single routes, by the end of their path. */
  largerBodies?: Readonly<Record<string, number>>;
  /** Whether whole numbers that are too large to be exact are rounded instead of refused. */
  mayRound?: true;
  /** ms for a whole request to arrive. */
  requestTimeout: number;
  /** Further accepted names and addresses in Host, beside its own and the public ones. */
  allowedHosts?: readonly string[];
  connections?: ConnectionLimits;
  bodies?: BodyBudget;
  /** Whether a body without a content type is taken as JSON; older ramdisks send none. */
  untypedBodies?: true;
  /** Whether refusals say when to come again; see `ErrorFilter`. */
  retryAfter?: true;
  /** Whether a request may continue, before its body is read. @throws FerricError */
  admit?: (request: { ip: string; url: string }) => Promise<unknown>;
}

/** The parts of Fastify’s request that its parser uses. */
type BodyRequest = Parameters<typeof isStreamed>[0] & { ip: string; routeOptions: { bodyLimit?: number } };

export interface ApiListener {
  /**
   * @param ports already bound ports
   * @returns the address and port; the system chooses for port 0
   */
  listen(
    at: { address: string; port: number },
    ports?: HeldPorts,
  ): Promise<{ address: string; port: number }>;
  /** Listens on a Unix socket that only the daemon's own account may use. @param path absolute */
  listenOn(path: string, ports?: HeldPorts): Promise<void>;
  /** Ends live streams and waits for running answers. @param hurry aborts the wait */
  close(hurry?: AbortSignal): Promise<void>;
  readonly routes: RouteTable;
}

/** One Nest application on one address. */
export async function createListener(module: DynamicModule, options: ListenerOptions): Promise<ApiListener> {
  const suffixed = new WeakSet<IncomingMessage>();
  const routes = new RouteTable(declaredRoutes((module.controllers ?? []) as Type[]));
  const adapter = new FastifyAdapter({
    serverFactory: server,
    bodyLimit: options.maxBodyBytes,
    forceCloseConnections: 'idle',
    // Requests received before the close are still answered.
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 1024, querystringParser: parseQuery },
    // A path that is not UTF-8 has no route, and no hook runs for it.
    frameworkErrors: (_error: unknown, { raw }: { raw: IncomingMessage }, reply: { raw: ServerResponse }) =>
      refusePath(raw, reply.raw),
    rewriteUrl(raw: IncomingMessage) {
      const { url, jsonSuffix } = normalisePath(raw.url ?? '/', dropsJsonSuffix(raw));
      if (jsonSuffix) suffixed.add(raw);
      return url;
    },
  });
  const parser = new ParseThread();
  prepare(adapter, options, { routes, open: openRoutes(module), suffixed, parser });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  });
  app.useGlobalFilters(new ErrorFilter(routes, options.log, options.retryAfter ?? false));
  app.useGlobalGuards(new Gate());
  await app.init();
  await adapter.getInstance().ready();
  const throttled = new ThrottledLog(options.log);
  capConnections(app.getHttpServer(), options.connections ?? CONNECTIONS, (client, why) =>
    throttled.warn({ client, why }, 'too many connections, one refused'),
  );
  const draining = new Drain(app.getHttpServer(), options.log);
  return {
    routes,
    listenOn: (path, ports = new HeldPorts()) => ports.listenOnPath(app.getHttpServer(), path),
    async listen(at, ports = new HeldPorts()) {
      registerListener(app.getHttpServer(), options.publicEndpoint);
      await ports.listen(app.getHttpServer(), at);
      const bound = app.getHttpServer().address() as AddressInfo;
      return { address: bound.address, port: bound.port };
    },
    async close(hurry) {
      await draining.finish(CLOSE_GRACE, hurry);
      await app.close();
      await parser.close();
      await options.access.close();
    },
  };
}

/** ms. Fastify sets no timeouts on a server that it did not create (fastify/lib/server.js, getServerInstance). */
const TIMES = {
  // A streamed request may take any time; `expire` limits all others.
  requestTimeout: 0,
  // Fastify's default. Node's 5 s would often close a connection just as a client's next request is under way.
  keepAliveTimeout: 72_000,
};

/** Fastify runs our hooks and filters outside of its own error handling, too: while it parses the path, for one. */
function server(handler: RequestListener): Server {
  const contains = inTurn('API: request', handler, (_error, [request]) => request.destroy());
  const made = createServer(TIMES, contains);
  // `Drain` may have closed it already: the error that close() then reports is ignored.
  return Object.assign(made, {
    close: (done?: () => void) => Server.prototype.close.call(made, () => done?.()),
  });
}

function prepare(
  adapter: FastifyAdapter,
  options: ListenerOptions,
  {
    routes,
    open,
    suffixed,
    parser,
  }: {
    routes: RouteTable;
    open: RouteTable;
    suffixed: WeakSet<IncomingMessage>;
    parser: ParseThread;
  },
): void {
  const fastify = adapter.getInstance();
  meterRequests(fastify, options.name);
  fastify.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) routes.add(method, route.url);
    for (const [end, bytes] of Object.entries(options.largerBodies ?? {})) {
      if (route.url.endsWith(end)) route.bodyLimit = bytes;
    }
  });
  fastify.removeAllContentTypeParsers();
  const reader = new BodyReader(options.bodies ?? BODIES);
  const origins = new OriginRule(options.publicEndpoint, options.allowedHosts ?? []);
  fastify.addContentTypeParser('*', async (request: BodyRequest, payload: IncomingMessage) => {
    if (isStreamed(request)) return payload;
    const { ip, routeOptions } = request;
    return reader.read(payload, ip, routeOptions.bodyLimit ?? options.maxBodyBytes, (bytes, scan) =>
      parser.parse(bytes, scan, options.mayRound ?? false),
    );
  });
  // The log fields of a request are built here and hold no secret: a search for secrets would cost as much as the line.
  const log = options.log.child({}, { redact: [] });
  const texts = new WeakMap<ServerResponse, JsonText>();
  fastify.addHook('preSerialization', (_request, reply, body, done) => {
    if (body instanceof JsonText) texts.set(reply.raw, body);
    done(null, body);
  });
  fastify.setReplySerializer((body) => bytesOf(body) as string);
  fastify.addHook('onRequest', async (request, reply) => {
    refuseGone(request.raw);
    const streamed = isStreamed(request);
    if (!streamed) expire(request.raw, options.requestTimeout);
    const id = `req-${randomUUID()}`;
    const received = request as unknown as ApiRequest & { asked: Asked };
    reply.header('openstack-request-id', id);
    const ofImages = isOfImages(request.url);
    // A refusal of the version must carry the range, too.
    if (!ofImages) reply.headers(RANGE_HEADERS);
    const version = versionFor(request);
    if (!ofImages) {
      reply.header('vary', 'OpenStack-API-Version, X-OpenStack-Ironic-API-Version');
      reply.header(VERSION_HEADER, version.toString());
    }
    if (version.does('secondRequestIdHeader')) reply.header('x-openstack-request-id', id);
    origins.check(request.raw);
    if (!streamed) requireJson(request, options.untypedBodies ?? false);
    await options.admit?.(request);
    // Before the body is read: without a login nobody may send megabytes.
    const isOpen = open.methodsOf(request.url).length > 0;
    const { user, project, subject } = isOpen ? ANYBODY : nameable(await options.access.login(request.raw));
    received.asked = {
      version,
      base: options.publicEndpoint?.replace(/\/+$/, '') ?? baseOf(request.raw),
      by: { via: 'api', request_id: id, user, project, source: request.ip ?? null },
      scope: new Scope(subject),
      jsonSuffix: suffixed.has(request.raw),
    };
  });
  // Sends no answer before a rule has decided. A hook, since an interceptor would run every request through rxjs.
  fastify.addHook('onSend', async (request, reply) => {
    if (reply.statusCode < 400) (request as unknown as ApiRequest).asked.scope.assertDecided();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    // When a connection broke, the kernel may still read from the bytes.
    if (reply.raw.writableFinished) texts.get(reply.raw)?.sent();
    const quiet = request.method === 'GET' && reply.statusCode < 400;
    log[quiet ? 'debug' : 'info'](
      {
        method: request.method,
        path: shownPath(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        source: request.ip,
        request_id: reply.getHeader('openstack-request-id'),
      },
      'request',
    );
    done();
  });
}

/** Fastify sends bytes as well as text, though its type names text only (lib/reply.js, onSendEnd). */
function bytesOf(body: unknown): string | Buffer {
  return body instanceof JsonText ? body.bytes : JSON.stringify(body);
}

/** Paths that need no login, whatever the method. */
function openRoutes(module: DynamicModule): RouteTable {
  const open = new RouteTable();
  for (const { method, path, policy } of declaredRoutes((module.controllers ?? []) as Type[])) {
    if (policy === 'public') open.add(method, path);
  }
  return open;
}

/** The root lists the versions: it answers any requested version. */
function versionFor({ url, headers }: Pick<IncomingMessage, 'headers'> & { url: string }): Microversion {
  if (isOfImages(url)) return Microversion.newest;
  return url.split('?', 1)[0] === '/' ? versionOr(headers, Microversion.oldest) : negotiate(headers);
}

/** @param other result when the headers name no existing version */
function versionOr(headers: IncomingMessage['headers'], other: Microversion): Microversion {
  try {
    return negotiate(headers);
  } catch {
    return other;
  }
}

const RANGE_HEADERS = { [MIN_VERSION_HEADER]: MIN_VERSION, [MAX_VERSION_HEADER]: MAX_VERSION };

function refusePath({ headers }: IncomingMessage, raw: ServerResponse): void {
  const fault = { faultcode: 'Client', faultstring: 'The path could not be read.', debuginfo: null };
  raw.writeHead(400, {
    ...RANGE_HEADERS,
    [VERSION_HEADER]: versionOr(headers, Microversion.oldest).toString(),
    'openstack-request-id': `req-${randomUUID()}`,
    'content-type': 'application/json',
  });
  raw.end(JSON.stringify({ error_message: JSON.stringify(fault) }));
}

/** Without a negotiated version the path stays as it is: the hook refuses the request with a proper answer. */
function dropsJsonSuffix({ headers }: IncomingMessage): boolean {
  return !versionOr(headers, Microversion.newest).does('dotJsonIsName');
}

/** From the Host header when it is a plain authority, else from the socket. */
function baseOf(raw: IncomingMessage): string {
  const host = raw.headers.host ?? '';
  if (/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(host)) return `http://${host}`;
  const { localAddress = 'localhost', localPort } = raw.socket;
  return `http://${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}

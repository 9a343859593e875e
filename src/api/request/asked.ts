import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Actor } from '../../domain/actor.js';
import type { Scope } from '../auth/scope.js';
import type { Microversion } from '../microversion/microversion.js';

/** The context of a request, for its handler. */
export interface Asked {
  readonly version: Microversion;
  /** Base of links, without a slash at the end. */
  readonly base: string;
  readonly by: Actor;
  /** The permissions of the request. */
  readonly scope: Scope;
  /** The path ended in `.json`, which was dropped. */
  readonly jsonSuffix: boolean;
}

/** Query parameters as received: a repeated name has a list. */
export type Query = Readonly<Record<string, string | readonly string[]>>;

/** The parts of Fastify's request that handlers use. */
export interface ApiRequest {
  readonly raw: IncomingMessage;
  readonly method: string;
  /** Path and query after `normalisePath`. */
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Parsed JSON; undefined when no body came. */
  readonly body: unknown;
  /** The peer's address; forwarding headers are ignored. */
  readonly ip: string;
  readonly asked: Asked;
}

/** The parts of Fastify's reply that handlers use. */
export interface ApiReply {
  readonly raw: ServerResponse;
  code(status: number): ApiReply;
  header(name: string, value: string): ApiReply;
  hijack(): ApiReply;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

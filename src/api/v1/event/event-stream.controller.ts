import { type BeforeApplicationShutdown, Controller, Get, Req, Res } from '@nestjs/common';
import { InvalidError, UnavailableError } from '../../../domain/errors.js';
import type { Event } from '../../../persistence/event/event.entity.js';
import { EventStream } from '../../../persistence/event/event-stream.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { uuidOrName } from '../../request/value.js';
import { timestamp } from '../../resource/field.js';
import { NodeFinder } from '../node/node-finder.js';
import { EventWriter } from './event-writer.js';

const MOST_STREAMS = 500;
export const STREAM = {
  node: { read: uuidOrName, about: 'Events of this node only' },
} as const satisfies ParameterTable;

/**
 * `GET /v1/events/stream`, a Ferric extension: events as they are committed, as server-sent events. A client that
 * reconnects with `Last-Event-ID` resumes there.
 */
@Controller('v1/events/stream')
export class EventStreamController implements BeforeApplicationShutdown {
  readonly #writers = new Set<EventWriter>();

  constructor(
    private readonly stream: EventStream,
    private readonly finder: NodeFinder,
  ) {}

  @Get()
  @Since(1)
  @Policy('ferric:event:stream')
  @Describe({ summary: 'Events as they happen', query: STREAM, answer: { text: 'text/event-stream' } })
  async open(@Req() { asked, query, raw }: ApiRequest, @Res() reply: ApiReply): Promise<void> {
    const { node: ident } = readQuery(query, STREAM, asked.version);
    const after = lastEventId(raw.headers['last-event-id']);
    // Without a node, the stream shows events of all owners' nodes.
    if (ident === undefined) asked.scope.demand('ferric:event:stream', { owner: null });
    const node = ident === undefined ? null : (await this.finder.find(ident, asked)).uuid;
    await this.stream.awake();
    if (this.#writers.size >= MOST_STREAMS) throw new UnavailableError('Too many event streams are open.');
    const headers = {
      ...reply.getHeaders(),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      // An ended stream must leave no idle connection, for which a stop would wait.
      connection: 'close',
    };
    reply.hijack();
    // One by one: headers passed to writeHead() cannot be read again, and a stop recognizes streams by their headers.
    for (const [name, value] of Object.entries(headers))
      if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.writeHead(200);
    const writer = new EventWriter(reply.raw);
    this.#writers.add(writer);
    const subscriber = {
      push: (event: Event) => {
        if (node === null || event.node_uuid === node) writer.event(event.id, event.event_type, shown(event));
      },
      ready: () => writer.drained(),
      end: () => writer.end(),
    };
    const unsubscribe = this.stream.subscribe(subscriber, after);
    writer.onClose(() => {
      unsubscribe();
      this.#writers.delete(writer);
    });
  }

  beforeApplicationShutdown(): void {
    for (const writer of this.#writers) writer.end();
  }
}

function lastEventId(header: string | string[] | undefined): string | null {
  if (header === undefined || header === '') return null;
  if (typeof header !== 'string' || !/^\d{1,18}$/.test(header)) {
    throw new InvalidError('Last-Event-ID is not the id of an event.');
  }
  return header;
}

function shown(event: Event) {
  // The source address is for audits, not for everyone who watches.
  const { id, created_at, user_name, written_by, horizon, source, ...rest } = event;
  return { ...rest, created_at: timestamp(created_at), user: user_name };
}

import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { singleClient } from '../../database/connection.js';
import { contained } from '../../platform/boundary.js';
import type { Event } from './event.entity.js';
import type { EventRepository } from './event.repository.js';
import { EVENT_CHANNEL } from './event-hint.js';

const KEPT = 2000;
const REPLAY_PAGE = 500;
const MOST_WAITING = 10_000;
/** ms between two readings without a hint: of events whose hint was lost. */
const READ_EVERY = 1_000;
/** ms between two queries that check the listening connection. */
const BEAT = 5_000;
const RECONNECT_FIRST = 250;
const RECONNECT_LAST = 5000;

export interface Subscriber {
  /** Receives an event synchronously; it may not throw. */
  push(event: Event): void;
  /** Resolves when the subscriber can take more; a replay waits for it. */
  ready(): Promise<void>;
  /** The stream ends the subscription: the subscriber fell too far behind, or the stream stops. */
  end(): void;
}

interface Subscription {
  readonly subscriber: Subscriber;
  /** Live events queued until the replay ends; null once live. */
  waiting: Event[] | null;
  /** Replayed events that may also come live. */
  seen: Set<string>;
}

/** What was delivered. */
interface Position {
  /** Every event of earlier transactions was delivered, or is older than the first subscription. */
  horizon: string;
  /** Delivered events of transactions from the horizon on: their transactions by id. */
  readonly delivered: Map<string, string>;
}

/**
 * Every event once it is committed, those of one node in the order of their commits. Each process has one LISTEN
 * connection for all subscribers; a notification is a hint to read, and what no hint announced is read within a second.
 * The connection is made anew by itself. A subscriber may get an event twice, and misses none.
 */
export class EventStream {
  readonly #subscriptions = new Set<Subscription>();
  /** The newest delivered events, in the order of delivery. */
  readonly #recent: Event[] = [];
  /** null without subscribers: nothing is read then. */
  #position: Position | null = null;
  #waking: Promise<void> | null = null;
  #reading = false;
  /** A hint came while events were read. */
  #hinted = false;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #backoff = RECONNECT_FIRST;
  #stopped = false;
  /** Events of a restored backup have their place. */
  #isPlaced = false;

  /** @param onFault called with each lost connection's error */
  constructor(
    private readonly source: DataSource,
    private readonly events: EventRepository,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Resolves when the stream listens, or when the first try failed and a retry is scheduled. */
  async start(): Promise<void> {
    await this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const { subscriber } of this.#subscriptions) subscriber.end();
    this.#subscriptions.clear();
    this.#position = null;
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  /**
   * Events that commit from its end on are read. Call it before `subscribe`, with no other wait between the two.
   * @throws DatabaseAwayError
   */
  async awake(): Promise<void> {
    if (this.#position) return;
    this.#waking ??= this.#wake().finally(() => (this.#waking = null));
    await this.#waking;
  }

  async #wake(): Promise<void> {
    const horizon = await this.events.horizon();
    const places = await this.events.placesFrom(horizon);
    this.#position = { horizon, delivered: new Map(places.map(({ id, written_by }) => [id, written_by])) };
  }

  /**
   * @param after id of the last event that the subscriber received; null: only new events
   * @returns a function that ends the subscription
   */
  subscribe(subscriber: Subscriber, after: string | null): () => void {
    if (!this.#position) throw new Error('the event stream is not awake');
    const subscription: Subscription = { subscriber, waiting: null, seen: new Set() };
    this.#subscriptions.add(subscription);
    if (after !== null) this.#resume(subscription, after, this.#position.horizon);
    return () => this.#leave(subscription);
  }

  #leave(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
    if (this.#subscriptions.size > 0) return;
    this.#position = null;
    // Kept events have no gap.
    this.#recent.length = 0;
  }

  #resume(subscription: Subscription, after: string, horizon: string): void {
    const at = this.#recent.findIndex((event) => event.id === after);
    if (at >= 0) {
      for (const event of this.#recent.slice(at + 1)) subscription.subscriber.push(event);
      return;
    }
    subscription.waiting = [];
    this.#replay(subscription, after, BigInt(horizon)).catch((error: unknown) => {
      this.onFault(error);
      this.#giveUp(subscription);
    });
  }

  /** @param horizon that of the stream when the subscription began: what is older does not come live */
  async #replay(subscription: Subscription, after: string, horizon: bigint): Promise<void> {
    for await (const page of this.events.since(after, REPLAY_PAGE)) {
      for (const event of page) {
        if (event.id === after) continue;
        if (BigInt(event.written_by) >= horizon) subscription.seen.add(event.id);
        subscription.subscriber.push(event);
      }
      await subscription.subscriber.ready();
      if (!this.#subscriptions.has(subscription)) return;
    }
    const waiting = subscription.waiting ?? [];
    subscription.waiting = null;
    for (const event of waiting) offer(subscription, event);
  }

  async #connect(): Promise<void> {
    const client = singleClient(this.source, 'ferric-events');
    const again = (error: unknown) => this.#reconnect(client, error);
    const hear = contained('event stream: notification', () => this.#read(), again);
    client.on('notification', hear);
    client.on('error', contained('event stream: connection', again));
    client.on(
      'end',
      contained('event stream: connection', () => again(new Error('the event connection ended'))),
    );
    this.#client = client;
    try {
      await client.connect();
      await (client.query(`listen ${EVENT_CHANNEL}`) as Promise<unknown>);
      if (!this.#isPlaced) await this.events.placeRestored();
      this.#isPlaced = true;
      this.#backoff = RECONNECT_FIRST;
      this.#beat(client);
      this.#readEvery(client);
      // Listen first: hints of later commits are heard, earlier ones are read.
      await this.#read();
    } catch (error) {
      this.#reconnect(client, error);
    }
  }

  /** Queries the connection regularly: while it only listens, its loss would not be noticed. */
  #beat(client: Client): void {
    const beat = contained('event stream: heartbeat', async () => {
      if (this.#client !== client) clearInterval(timer);
      else await client.query('select').catch((error: unknown) => this.#reconnect(client, error));
    });
    const timer = setInterval(beat, BEAT).unref();
  }

  #readEvery(client: Client): void {
    const read = contained('event stream: reading', async () => {
      if (this.#client !== client) clearInterval(timer);
      else await this.#read();
    });
    const timer = setInterval(read, READ_EVERY).unref();
  }

  #reconnect(client: Client, error: unknown): void {
    if (this.#stopped || this.#client !== client) return;
    this.#client = null;
    this.onFault(error);
    // The connection is broken already: an error of its end does not matter.
    client.end().catch(() => undefined);
    this.#connectLater();
    this.#backoff = Math.min(this.#backoff * 2, RECONNECT_LAST);
  }

  #connectLater(): void {
    if (this.#stopped) return;
    const due = contained(
      'event stream: connection',
      () => this.#connect(),
      () => this.#connectLater(),
    );
    this.#timer = setTimeout(due, this.#backoff);
  }

  /** Delivers what has committed since the last reading. */
  async #read(): Promise<void> {
    this.#hinted = true;
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (this.#hinted && this.#position) {
        this.#hinted = false;
        await this.#readOnce(this.#position);
      }
    } catch (error) {
      // The next connection reads again.
      if (this.#client) this.#reconnect(this.#client, error);
    } finally {
      this.#reading = false;
    }
  }

  async #readOnce(position: Position): Promise<void> {
    const pages = this.events.beyond(position.horizon, [...position.delivered.keys()], REPLAY_PAGE);
    for (;;) {
      const { value, done } = await pages.next();
      // The last subscriber left, and perhaps another one came: what is read here is not for it.
      if (this.#position !== position) return;
      if (done) {
        position.horizon = value;
        break;
      }
      for (const event of value) {
        position.delivered.set(event.id, event.written_by);
        this.#deliver(event);
      }
    }
    const horizon = BigInt(position.horizon);
    for (const [id, writtenBy] of position.delivered) {
      if (BigInt(writtenBy) < horizon) position.delivered.delete(id);
    }
  }

  #deliver(event: Event): void {
    this.#recent.push(event);
    if (this.#recent.length > KEPT) this.#recent.shift();
    for (const subscription of this.#subscriptions) {
      if (!subscription.waiting) offer(subscription, event);
      else if (subscription.waiting.push(event) > MOST_WAITING) this.#giveUp(subscription);
    }
  }

  #giveUp(subscription: Subscription): void {
    if (!this.#subscriptions.has(subscription)) return;
    this.#leave(subscription);
    subscription.subscriber.end();
  }
}

function offer(subscription: Subscription, event: Event): void {
  if (!subscription.seen.delete(event.id)) subscription.subscriber.push(event);
}

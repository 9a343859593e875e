import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { singleClient } from '../../database/connection.js';
import { contained, detached } from '../../platform/boundary.js';
import type { Event } from './event.entity.js';
import { EVENT_CHANNEL, type EventRepository } from './event.repository.js';

const KEPT = 2000;
const REPLAY_PAGE = 500;
const MOST_WAITING = 10_000;
/** ms between updates of the horizon while there is no subscriber. */
const LOOK_EVERY = 30_000;
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
  /** Replayed events that may still be notified. */
  seen: Set<string>;
}

/**
 * Every event once it is committed, in the order of commits. Each process has one LISTEN connection for all
 * subscribers; it reconnects by itself and catches up. A subscriber may get an event twice, and misses none.
 */
export class EventStream {
  readonly #subscriptions = new Set<Subscription>();
  /** The newest delivered events, in the order of delivery. */
  readonly #recent: Event[] = [];
  readonly #recentIds = new Set<string>();
  /** Transaction from which on missed events are read; null before the first connection. */
  #horizon: string | null = null;
  #lookedAt = 0;
  #pending: string[] = [];
  #fetching = false;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #backoff = RECONNECT_FIRST;
  #stopped = false;

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
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  /**
   * @param after id of the last event that the subscriber received; null: only new events
   * @returns a function that ends the subscription
   */
  subscribe(subscriber: Subscriber, after: string | null): () => void {
    const subscription: Subscription = { subscriber, waiting: null, seen: new Set() };
    this.#subscriptions.add(subscription);
    if (after !== null) this.#resume(subscription, after);
    return () => this.#subscriptions.delete(subscription);
  }

  #resume(subscription: Subscription, after: string): void {
    const at = this.#recent.findIndex((event) => event.id === after);
    if (at >= 0) {
      for (const event of this.#recent.slice(at + 1)) subscription.subscriber.push(event);
      return;
    }
    subscription.waiting = [];
    this.#replay(subscription, after).catch((error: unknown) => {
      this.onFault(error);
      this.#giveUp(subscription);
    });
  }

  async #replay(subscription: Subscription, after: string): Promise<void> {
    for await (const all of this.events.since(after, REPLAY_PAGE)) {
      const page = all.filter(({ id }) => id !== after);
      // Only the newest page can still be notified: a notification arrives soon after its commit.
      if (page.length > 0) subscription.seen = new Set(page.map((event) => event.id));
      for (const event of page) subscription.subscriber.push(event);
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
    // An event whose notification fails is read again by the next connection.
    const hear = contained('event stream: notification', this.#hear.bind(this), again);
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
      // Listen first: later commits are notified, earlier ones are read.
      if (this.#horizon === null) this.#horizon = await this.events.horizon();
      else await this.#catchUp(this.#horizon);
      this.#backoff = RECONNECT_FIRST;
      this.#beat(client);
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

  #hear({ payload }: { payload?: string | undefined }): void {
    if (payload === undefined || !/^\d{1,18}$/.test(payload)) return;
    this.#pending.push(payload);
    detached('event stream: delivery', this.#deliverPending());
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

  async #catchUp(horizon: string): Promise<void> {
    for await (const page of this.events.beyond(horizon, REPLAY_PAGE)) {
      for (const event of page) this.#deliver(event);
    }
  }

  async #deliverPending(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      while (this.#pending.length > 0) {
        const ids = this.#pending.splice(0, REPLAY_PAGE);
        if (this.#subscriptions.size === 0) {
          this.#skip(ids);
          continue;
        }
        const rows = new Map((await this.events.byIds(ids)).map((event) => [event.id, event]));
        for (const id of ids) {
          const event = rows.get(id);
          if (event) this.#deliver(event);
        }
      }
    } catch (error) {
      // The database is away: the new connection catches up.
      this.#pending = [];
      if (this.#client) this.#reconnect(this.#client, error);
    } finally {
      this.#fetching = false;
    }
  }

  /** Without subscribers no event is read. The kept ones must have no gap, so they are dropped; a replay reads them. */
  #skip(ids: readonly string[]): void {
    this.#recent.length = 0;
    for (const id of ids) this.#note(id);
    if (performance.now() - this.#lookedAt > LOOK_EVERY) {
      this.#lookedAt = performance.now();
      detached('event stream: horizon', this.#look());
    }
  }

  /** Moves the horizon up: without subscribers there is nothing to catch up with. */
  async #look(): Promise<void> {
    const horizon = await this.events.horizon();
    if (this.#subscriptions.size === 0) this.#horizon = horizon;
  }

  #note(id: string): void {
    this.#recentIds.add(id);
    if (this.#recentIds.size > KEPT) this.#recentIds.delete(this.#recentIds.values().next().value!);
  }

  /** Any event that commits after this one belongs to its horizon's transaction or a later one. */
  #advance({ horizon }: Event): void {
    if (this.#horizon !== null && BigInt(horizon) > BigInt(this.#horizon)) this.#horizon = horizon;
  }

  #deliver(event: Event): void {
    if (this.#recentIds.has(event.id)) return;
    this.#note(event.id);
    this.#advance(event);
    this.#recent.push(event);
    if (this.#recent.length > KEPT) this.#recent.shift();
    for (const subscription of this.#subscriptions) {
      if (!subscription.waiting) offer(subscription, event);
      else if (subscription.waiting.push(event) > MOST_WAITING) this.#giveUp(subscription);
    }
  }

  #giveUp(subscription: Subscription): void {
    if (this.#subscriptions.delete(subscription)) subscription.subscriber.end();
  }
}

function offer(subscription: Subscription, event: Event): void {
  if (!subscription.seen.delete(event.id)) subscription.subscriber.push(event);
}

import { setTimeout as sleep } from 'node:timers/promises';
import {
  isDatabaseAway,
  LockedError,
  messageOf,
  NotFoundError,
  ReservationLostError,
} from '../../domain/errors.js';
import { canonicalUuid } from '../../domain/node/name.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';

/** A node held by this conductor. `signal` fires when the reservation is lost. */
export interface Reservation {
  readonly node: Node;
  readonly fence: Fence;
  readonly signal: AbortSignal;
  /**
   * Makes the reservation last `duration` ms more, or nearly its full length if that is less.
   * @throws ReservationLostError
   */
  ensure(duration: number): Promise<void>;
  /** Does nothing when it is released already. */
  release(): Promise<void>;
  /** Call when a commit has released it. */
  passed(): void;
}

interface Held {
  fence: Fence;
  /** By the monotonic clock, counted from before the request was sent: never later than the database's own expiry. */
  expires: number;
  lost: AbortController;
}

/** Runs work under a node's reservation, retrying as configured while another holds it. */
export interface Reserving {
  /** @param ident uuid or name. @throws LockedError, NotFoundError */
  reserved<T>(ident: string, work: (reservation: Reservation) => Promise<T>): Promise<T>;
}

/** In place of a fence: the reservation was requested, and the answer was lost. */
const UNKNOWN = Symbol('unknown');

/**
 * Node reservations of this conductor: fenced, expiring by the database's clock, all renewed in one statement.
 * A paused process finds them expired by its own monotonic clock before it acts, and the fence refuses its writes in
 * any case.
 */
export class Reservations implements Reserving {
  readonly #held = new Map<string, Held>();
  /** Reservations still to be released once the database is back: they would block their nodes until they expire. */
  readonly #owed = new Map<string, Fence | typeof UNKNOWN>();
  /** Of these, the releases under way. */
  readonly #returning = new Map<string, Promise<void>>();
  /** Requests under way, by node. */
  readonly #asking = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      host: string;
      settings: {
        lease_seconds: number;
        node_locked_retry_attempts: number;
        node_locked_retry_interval: number;
      };
      log: Logger;
    },
  ) {}

  start(): void {
    const every = (this.deps.settings.lease_seconds * 1000) / 4;
    const renew = () => {
      const work = [
        this.#renew(new Map(this.#held)),
        ...[...this.#owed.keys()].map((uuid) => this.#giveBack(uuid)),
      ];
      Promise.all(work).catch((error: unknown) =>
        this.deps.log.warn({ error: messageOf(error) }, 'reservations could not be renewed; trying again'),
      );
    };
    this.#timer = setInterval(contained('reservations: renewal', renew), every);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * @param retry try again as configured while another holds it; otherwise once
   * @throws LockedError, NotFoundError
   */
  async acquire(uuid: string, retry: boolean): Promise<Reservation> {
    const { nodes, host, settings } = this.deps;
    const { node_locked_retry_attempts: retryAttempts, node_locked_retry_interval: retryInterval } = settings;
    await this.#giveBack(uuid);
    for (let attempt = 0; ; attempt++) {
      const asked = performance.now();
      const taken = await this.#asked(uuid, () =>
        nodes.reservations.reserve(uuid, host, settings.lease_seconds),
      );
      if (!taken) throw new NotFoundError(`Node ${uuid} could not be found.`);
      if ('fence' in taken) return this.#hold(taken.node, taken.fence, asked);
      if (!retry || attempt >= retryAttempts) throw new LockedError(uuid, taken.holder);
      await sleep(retryInterval * 1000);
    }
  }

  async reserved<T>(ident: string, work: (reservation: Reservation) => Promise<T>): Promise<T> {
    // `acquire` reports a node that does not exist.
    const uuid = ident === canonicalUuid(ident) ? ident : (await this.deps.nodes.get(ident)).uuid;
    const reservation = await this.acquire(uuid, true);
    try {
      return await work(reservation);
    } finally {
      await reservation.release();
    }
  }

  /** Notes a request whose answer was lost: its reservation would block the node until it expires. */
  async #asked<T>(uuid: string, ask: () => Promise<T>): Promise<T> {
    this.#asking.set(uuid, (this.#asking.get(uuid) ?? 0) + 1);
    try {
      return await ask();
    } catch (error) {
      if (isDatabaseAway(error) && !this.#owed.has(uuid)) this.#owed.set(uuid, UNKNOWN);
      throw error;
    } finally {
      const left = this.#asking.get(uuid)! - 1;
      if (left > 0) this.#asking.set(uuid, left);
      else this.#asking.delete(uuid);
    }
  }

  holds(uuid: string): boolean {
    return this.#held.has(uuid);
  }

  #hold(node: Node, fence: Fence, asked: number): Reservation {
    const held: Held = {
      fence,
      expires: asked + this.deps.settings.lease_seconds * 1000,
      lost: new AbortController(),
    };
    this.#held.set(node.uuid, held);
    if (this.#owed.get(node.uuid) === UNKNOWN) this.#owed.delete(node.uuid);
    let over = false;
    const forget = () => {
      over = true;
      if (this.#held.get(node.uuid) === held) this.#held.delete(node.uuid);
    };
    return {
      node,
      fence,
      signal: held.lost.signal,
      ensure: async (duration) => {
        const wanted = Math.min(duration, this.deps.settings.lease_seconds * 750);
        if (held.expires - performance.now() < wanted) await this.#renew(new Map([[node.uuid, held]]));
        if (held.lost.signal.aborted || held.expires - performance.now() < wanted)
          throw new ReservationLostError(node.uuid);
      },
      passed: forget,
      release: async () => {
        if (over) return;
        forget();
        this.#owed.set(node.uuid, fence);
        await this.#giveBack(node.uuid).catch((error: unknown) =>
          this.deps.log.warn(
            { node: node.uuid, error: messageOf(error) },
            'a reservation is given back later',
          ),
        );
      },
    };
  }

  #giveBack(uuid: string): Promise<void> {
    const owed = this.#owed.get(uuid);
    const returning = this.#returning.get(uuid);
    if (!owed || returning) return returning ?? Promise.resolve();
    // A request under way, or a reservation held here, may be the unknown one: it must not be released.
    if (owed === UNKNOWN && (this.#asking.has(uuid) || this.#held.has(uuid))) return Promise.resolve();
    const work = this.#return(uuid, owed).finally(() => this.#returning.delete(uuid));
    this.#returning.set(uuid, work);
    return work;
  }

  async #return(uuid: string, owed: Fence | typeof UNKNOWN): Promise<void> {
    const { reservations } = this.deps.nodes;
    if (owed === UNKNOWN) await reservations.releaseUnknown(uuid, this.deps.host);
    else await reservations.release(uuid, owed);
    if (this.#owed.get(uuid) === owed) this.#owed.delete(uuid);
  }

  async #renew(leases: Map<string, Held>): Promise<void> {
    const asked = performance.now();
    const fences = new Map([...leases].map(([uuid, held]) => [uuid, held.fence]));
    const renewed = await this.deps.nodes.reservations.renew(fences, this.deps.settings.lease_seconds);
    for (const [uuid, held] of leases) {
      if (renewed.has(uuid)) {
        held.expires = asked + this.deps.settings.lease_seconds * 1000;
      } else if (this.#held.get(uuid) === held) {
        this.#held.delete(uuid);
        this.deps.log.warn({ node: uuid }, 'the reservation was lost');
        held.lost.abort(new ReservationLostError(uuid));
      }
    }
  }
}

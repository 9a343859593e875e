import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { singleClient } from '../../database/connection.js';
import { FerricError, messageOf } from '../../domain/errors.js';
import { contained } from '../../platform/boundary.js';
import type { Logger } from '../../platform/logger.js';
import { pause } from '../../platform/pause.js';

/** First key of the advisory lock: "ferr" in ASCII, plus 2. The second key is the hash of the conductor's name. */
const LOCK = 0x66657272 + 2;
const RETRY = 1_000;
/** PostgreSQL cuts application names at 63 bytes. */
const NAME_MOST = 63;

interface NameLockParts {
  source: DataSource;
  /** The conductor's name. */
  host: string;
  /** Seconds to wait while another process holds the name. */
  waitSeconds: number;
  log: Logger;
  /** Called when another process took the name while this one had no connection. */
  onLost: () => void;
}

/**
 * Lock on a conductor's name, held by one living process. It is bound to a connection of its own: the server releases
 * it when the process ends in any way, so the reservations of a living conductor are never taken for a dead one's.
 */
export class NameLock {
  #client: Client | null = null;
  #released = false;

  constructor(private readonly parts: NameLockParts) {}

  /**
   * @param signal ends the wait
   * @throws FerricError conflict, naming the holder, when the name is not free within `waitSeconds`
   * @throws CancelledError when the signal fires
   */
  async take(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const { host, waitSeconds, log } = this.parts;
    const end = performance.now() + waitSeconds * 1000;
    for (let attempt = 0; ; attempt++) {
      const holder = await this.#try();
      if (holder === null) return;
      if (performance.now() >= end) {
        throw new FerricError(
          'conflict',
          `the conductor’s name ${host} is held by ${holder}: stop that one, or set conductor.host to another name`,
        );
      }
      if (attempt === 0)
        log.warn(
          { host, holder, seconds: waitSeconds },
          'another daemon holds this conductor’s name; waiting',
        );
      await pause(RETRY, signal);
    }
  }

  async release(): Promise<void> {
    this.#released = true;
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  /** @returns null when this process holds the name now, else who holds it */
  async #try(): Promise<string | null> {
    const { source, host } = this.parts;
    const name = `ferric pid ${process.pid} on ${hostname()}`.slice(0, NAME_MOST);
    const client: Client = singleClient(source, name);
    const lost = () => this.#lost(client);
    client.on('error', contained('conductor’s name: connection', lost));
    client.on('end', contained('conductor’s name: connection', lost));
    try {
      await client.connect();
      const taken = await client.query<{ locked: boolean }>(
        'select pg_try_advisory_lock($1, hashtext($2)) as locked',
        [LOCK, host],
      );
      if (taken.rows[0]?.locked) {
        this.#client = client;
        return null;
      }
      const holder = await client.query<{ name: string; since: string }>(
        `select a.application_name as name, a.backend_start::text as since from pg_locks l join pg_stat_activity a using (pid)
         where l.locktype = 'advisory' and l.granted and l.objsubid = 2
           and l.classid = $1::bigint::oid and l.objid = (hashtext($2)::bigint & 4294967295)::oid`,
        [LOCK, host],
      );
      const [row] = holder.rows;
      await client.end();
      return row ? `${row.name} (since ${row.since})` : 'another process';
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
  }

  #lost(client: Client): void {
    if (this.#released || this.#client !== client) return;
    this.#client = null;
    const { log, onLost } = this.parts;
    log.warn('the connection that holds the conductor’s name was lost; taking it again');
    contained('conductor’s name', () => this.#again(), onLost)();
  }

  async #again(): Promise<void> {
    const { log, onLost } = this.parts;
    while (!this.#released) {
      try {
        if ((await this.#try()) === null) return;
        onLost();
        return;
      } catch (error) {
        log.debug(
          { error: messageOf(error) },
          'the conductor’s name is taken again when the database is there',
        );
        await sleep(RETRY);
      }
    }
  }
}

import type { DataSource } from 'typeorm';
import { CONNECTION_LIFE, PreparingClient, silenceOf } from './prepared.js';

/**
 * What every connection to the server has. The server is told, too, when to give one up: what it holds locks for may be
 * a daemon that is gone. (PostgreSQL, 20.3.2 TCP Settings; without effect on a socket of the file system.)
 * @param statementTimeout seconds
 */
export function connectionOptions(statementTimeout: number) {
  return {
    Client: PreparingClient,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // What a connection has prepared goes with it.
    idleTimeoutMillis: 300_000,
    maxLifetimeSeconds: CONNECTION_LIFE,
    // What a connection holds that went silent in the middle, the server gives up when this side does.
    idle_in_transaction_session_timeout: silenceOf(statementTimeout * 1_000),
    lock_timeout: 10_000,
    statement_timeout: statementTimeout * 1_000,
    options:
      '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000',
  };
}

/** A connection of its own, outside of the pool; it is still to be opened. */
export function singleClient(source: DataSource, application_name: string): PreparingClient {
  const options = source.options;
  if (options.type !== 'postgres') throw new TypeError('not PostgreSQL');
  const common = { ...(options.extra as ReturnType<typeof connectionOptions>), application_name };
  if (options.url !== undefined) return new PreparingClient({ ...common, connectionString: options.url });
  const { host, port, username, database } = options;
  return new PreparingClient({ ...common, host: host!, port: port!, user: username!, database: database! });
}

import type { DataSource } from 'typeorm';
import { CONNECTION_LIFE, PreparingClient, silenceOf } from './prepared.js';

/**
 * Options of every connection. The server, too, is told when to give up a connection: the daemon that holds its locks
 * may be gone. (PostgreSQL, 20.3.2 TCP Settings; without effect on a Unix socket.)
 * @param statementTimeout seconds
 */
export function connectionOptions(statementTimeout: number) {
  return {
    Client: PreparingClient,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Prepared statements are freed with their connection.
    idleTimeoutMillis: 300_000,
    maxLifetimeSeconds: CONNECTION_LIFE,
    // The server ends an idle transaction after the time at which this side cuts a silent connection.
    idle_in_transaction_session_timeout: silenceOf(statementTimeout * 1_000),
    lock_timeout: 10_000,
    statement_timeout: statementTimeout * 1_000,
    options:
      '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000',
  };
}

/** A connection outside of the pool, not yet connected. */
export function singleClient(source: DataSource, application_name: string): PreparingClient {
  const options = source.options;
  if (options.type !== 'postgres') throw new TypeError('not PostgreSQL');
  const common = { ...(options.extra as ReturnType<typeof connectionOptions>), application_name };
  if (options.url !== undefined) return new PreparingClient({ ...common, connectionString: options.url });
  const { host, port, username, database } = options;
  return new PreparingClient({ ...common, host: host!, port: port!, user: username!, database: database! });
}

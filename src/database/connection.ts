import type { DataSource } from 'typeorm';
import { PreparingClient, silenceOf } from './prepared.js';
import { clientOf, Servers, serversOf } from './servers.js';
import { CONNECTION_LIFE, StatementNames } from './statement-names.js';

export type Connection = { url: string } | { host: string; port: number; username: string; database: string };

/**
 * Options of every connection. The server, too, is told when to give up a connection: the daemon that holds its locks
 * may be gone. (PostgreSQL, 20.3.2 TCP Settings; without effect on a Unix socket.)
 * @param statementTimeout seconds
 * @throws FerricError invalid for the URL
 */
export function connectionOptions(statementTimeout: number, connection: Connection) {
  const servers = 'url' in connection ? serversOf(connection.url) : [];
  return {
    Client: servers.length > 1 ? clientOf(new Servers(servers)) : PreparingClient,
    statementNames: new StatementNames(),
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
  const { Client } = common;
  if (options.url !== undefined) return new Client({ ...common, connectionString: options.url });
  const { host, port, username, database } = options;
  return new Client({ ...common, host: host!, port: port!, user: username!, database: database! });
}

/** The settings of one server, for who knows no list of them. @throws FerricError invalid for the URL */
export function firstServer(connection: Connection): Connection {
  return 'url' in connection ? { url: serversOf(connection.url)[0].url } : connection;
}

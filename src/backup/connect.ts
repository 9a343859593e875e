import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Config } from '../config/schema.js';
import type { Connection } from '../database/connection.js';
import { DATABASE_USER } from '../database/embedded/cluster.js';
import { startEmbeddedServer } from '../database/embedded-server.js';
import { Servers, serversOf } from '../database/servers.js';
import { FerricError, messageOf } from '../domain/errors.js';
import { contained, detached } from '../platform/boundary.js';
import { lockDirectory } from '../platform/directory-lock.js';
import type { Logger } from '../platform/logger.js';

/** Connection to the database of a configuration; close it at the end of the command. */
export interface OpenedServer {
  readonly connection: Connection;
  close(): Promise<void>;
}

/**
 * Uses the embedded server of a running daemon; without one, starts the server for the duration of the command.
 * @throws FerricError if there is no database yet
 */
export async function serverToRead(config: Config, log: Logger): Promise<OpenedServer> {
  const outside = outsideServer(config);
  if (outside) return outside;
  const directory = join(config.data_dir, 'postgresql');
  if (!existsSync(join(directory, 'cluster', 'PG_VERSION'))) {
    throw new FerricError('not-found', `There is no database in ${config.data_dir} (data_dir)`);
  }
  try {
    return await ownServer(config, log);
  } catch (error) {
    if (!(error instanceof FerricError) || error.code !== 'conflict') throw error;
    const host = join(directory, 'socket');
    const connection = { host, port: 5432, username: DATABASE_USER, database: 'postgres' };
    return { connection, close: async () => undefined };
  }
}

/** @throws FerricError conflict while a daemon uses the data directory */
export async function serverToFill(config: Config, log: Logger): Promise<OpenedServer> {
  return outsideServer(config) ?? ownServer(config, log);
}

function outsideServer({ database }: Config): OpenedServer | null {
  const { url } = database;
  return url ? { connection: { url: url.reveal() }, close: async () => undefined } : null;
}

async function ownServer(config: Config, log: Logger): Promise<OpenedServer> {
  const lock = await lockDirectory(config.data_dir, log);
  try {
    const { account } = config.database;
    const server = await startEmbeddedServer(join(config.data_dir, 'postgresql'), log, { account });
    const close = async () => {
      await server.stop();
      lock.release();
    };
    return { connection: server.connection, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function unreachable(cause: unknown): FerricError {
  return new FerricError('database-away', `The database cannot be reached: ${messageOf(cause)}`, { cause });
}

/** @throws FerricError database-away, invalid */
async function primaryUrl(url: string): Promise<string> {
  const servers = serversOf(url);
  if (servers.length === 1) return url;
  try {
    return (await new Servers(servers).primary()).url;
  } catch (error) {
    throw unreachable(error);
  }
}

/** A connection for long statements; it is cut when `signal` fires. @throws FerricError database-away */
export async function connect(connection: Connection, signal: AbortSignal): Promise<Client> {
  const name = { application_name: 'ferric db' };
  const client =
    'url' in connection
      ? new Client({ connectionString: await primaryUrl(connection.url), ...name })
      : new Client({ ...connection, user: connection.username, ...name });
  // A statement in progress fails by itself and reports the error.
  client.on(
    'error',
    contained('backup: connection', () => undefined),
  );
  try {
    await client.connect();
    await client.query(
      'set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = 30000',
    );
  } catch (error) {
    throw unreachable(error);
  }
  const cut = contained('backup: cancelled', () =>
    detached('backup: cancelled', client.end(), () => undefined),
  );
  signal.addEventListener('abort', cut, { once: true });
  return client;
}

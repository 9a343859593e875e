import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { imageStore, secretKeyFile } from '../config/endpoints.js';
import type { Config } from '../config/schema.js';
import { ALL_BOUND } from '../database/bind-sealed.js';
import { openDatabase } from '../database/data-source.js';
import { MIGRATIONS } from '../database/migrations.js';
import { loadKeyring } from '../database/sealing.js';
import { SEALED_COLUMNS } from '../persistence/sealed-columns.js';
import type { Logger } from '../platform/logger.js';
import { connect, type OpenedServer, serverToFill, serverToRead } from './connect.js';
import { dump, type Progress, sealedIn } from './dump.js';
import type { Manifest } from './manifest.js';
import { DumpReader, demandEmpty, fill } from './restore.js';

/** Inputs of a command besides configuration and file. */
export interface BackupTools {
  progress: Progress;
  signal: AbortSignal;
  log: Logger;
}

export interface Dumped {
  manifest: Manifest;
  /** Rows of all tables. */
  rows: number;
  /** Bytes. */
  size: number;
  keyFile: string;
}

export interface Restored {
  manifest: Manifest;
  rows: number;
  keyFile: string;
  /** Numbers of keys that encrypted values and are missing in the key file here. */
  keysMissing: number[];
  imageStore: string;
  /** UUIDs of images whose bytes are not in the store here. */
  imagesMissing: string[];
}

/** Writes the database of a configuration to a file, whether its daemon runs or not. */
export async function dumpDatabase(config: Config, file: string, tools: BackupTools): Promise<Dumped> {
  return withClient(await serverToRead(config, tools.log), tools.signal, async (client) => {
    const parts = { sealed: SEALED_COLUMNS, imageStore: imageStore(config), ...tools };
    const { manifest, trailer } = await dump(client, file, parts);
    const { size } = await stat(file);
    return { manifest, rows: sum(trailer.rows), size, keyFile: secretKeyFile(config) };
  });
}

/**
 * Fills the empty database of a configuration from a file. The daemon migrates the schema at its next start.
 * @throws FerricError conflict if the database is not empty or a daemon uses it
 */
export async function restoreDatabase(config: Config, file: string, tools: BackupTools): Promise<Restored> {
  const { log, signal, progress } = tools;
  const reader = await DumpReader.open(file);
  try {
    const { manifest } = reader;
    const server = await serverToFill(config, log);
    return await withClient(server, signal, async (client) => {
      if (await demandEmpty(client, manifest)) await makeSchema(server, manifest, log);
      // Values that an earlier Ferric encrypted are bound at the next start. After the commit it would be too late: a
      // command that was killed in between could not be repeated, and the daemon would refuse them for ever.
      const { rows } = await fill(client, reader, progress, async () => {
        if (await holdsUnbound(client, manifest)) await rm(join(config.data_dir, ALL_BOUND), { force: true });
      });
      return { manifest, rows: sum(rows), ...missing(config, manifest) };
    });
  } finally {
    await reader.close();
  }
}

async function withClient<T>(
  server: OpenedServer,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    const client = await connect(server.connection, signal);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await server.close();
  }
}

async function makeSchema(
  { connection }: OpenedServer,
  { migrations: names }: Manifest,
  log: Logger,
): Promise<void> {
  const migrations = MIGRATIONS.filter((Migration) => names.includes(new Migration().name));
  const source = await openDatabase({ connection, entities: [], migrations, poolSize: 1, log });
  await source.destroy();
}

async function holdsUnbound(client: Client, { tables }: Manifest): Promise<boolean> {
  for (const { from, read } of sealedIn(tables, SEALED_COLUMNS)) {
    const { rows } = await client.query(`select 1 from ${from} where get_byte(${read}, 0) = 1 limit 1`);
    if (rows.length > 0) return true;
  }
  return false;
}

function missing(
  config: Config,
  { sealed_by, image_store }: Manifest,
): Pick<Restored, 'keyFile' | 'keysMissing' | 'imageStore' | 'imagesMissing'> {
  const keyFile = secretKeyFile(config);
  const keyring = existsSync(keyFile) ? loadKeyring(keyFile, false) : null;
  const store = imageStore(config);
  const isThere = (sha512: string) => existsSync(join(store, 'blobs', sha512.slice(0, 2), sha512));
  return {
    keyFile,
    keysMissing: sealed_by.filter((id) => !keyring?.holds(id)),
    imageStore: store,
    imagesMissing: image_store.files.filter(({ sha512 }) => !isThere(sha512)).map(({ image }) => image),
  };
}

function sum(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((total, count) => total + count, 0);
}

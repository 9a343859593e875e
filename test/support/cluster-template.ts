import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDatabase } from '../../src/database/data-source.js';
import { startEmbeddedServer } from '../../src/database/embedded-server.js';
import { ENTITIES } from '../../src/persistence/resources.js';
import { createLogger } from '../../src/platform/logger.js';

const HOME = resolve('var/test');
const MIGRATIONS = resolve('migrations');

/**
 * Puts a migrated cluster into `directory`, so that a server there only has to open it: creation takes seconds, a copy
 * a tenth of a second. The first caller creates the template for all later test files.
 * @param directory argument of `startEmbeddedServer`; created if missing
 */
export async function copyMigratedCluster(directory: string): Promise<void> {
  const template = join(HOME, `cluster-${schemaSum()}`);
  if (!existsSync(template)) await make(template);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  // cp keeps the owner: the server runs under another account.
  execFileSync('cp', ['-a', join(template, 'cluster'), join(directory, 'cluster')]);
}

/** Released migrations never change, but those in development do. */
function schemaSum(): string {
  const sum = createHash('sha256');
  for (const name of readdirSync(MIGRATIONS).sort())
    sum.update(name).update(readFileSync(join(MIGRATIONS, name)));
  return sum.digest('hex').slice(0, 16);
}

async function make(template: string): Promise<void> {
  mkdirSync(HOME, { recursive: true });
  const part = mkdtempSync(join(tmpdir(), 'ferric-cluster-'));
  chmodSync(part, 0o755);
  const log = createLogger('error');
  const server = await startEmbeddedServer(part, log);
  const source = await openDatabase({ connection: server.connection, entities: ENTITIES, poolSize: 1, log });
  await source.destroy();
  await server.stop();
  // Tests kill processes but never cut the machine's power, and the kernel keeps what a process has written.
  appendFileSync(join(part, 'cluster', 'postgresql.conf'), '\nfsync = off\n');
  const beside = `${template}.${process.pid}`;
  execFileSync('cp', ['-a', part, beside]);
  execFileSync('rm', ['-rf', part]);
  try {
    renameSync(beside, template);
  } catch (error) {
    if (!existsSync(template)) throw error; // otherwise another test file has made the same one first
    execFileSync('rm', ['-rf', beside]);
  }
}

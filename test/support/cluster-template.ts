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
 * Puts a migrated cluster into `directory`, so that a server started there has only to open it: making one anew takes
 * seconds, copying one a tenth of a second. The first that asks makes it, for all test files after it.
 * @param directory what `startEmbeddedServer` is given; made if missing
 */
export async function copyMigratedCluster(directory: string): Promise<void> {
  const template = join(HOME, `cluster-${schemaSum()}`);
  if (!existsSync(template)) await make(template);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  // cp keeps the owner: the server runs under another account.
  execFileSync('cp', ['-a', join(template, 'cluster'), join(directory, 'cluster')]);
}

/** Migrations never change once released, but they do while they are written. */
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
  // Tests end processes, never the machine's power, and what a process wrote the kernel keeps.
  appendFileSync(join(part, 'cluster', 'postgresql.conf'), '\nfsync = off\n');
  const beside = `${template}.${process.pid}`;
  execFileSync('cp', ['-a', part, beside]);
  execFileSync('rm', ['-rf', part]);
  try {
    renameSync(beside, template);
  } catch (error) {
    if (!existsSync(template)) throw error; // else another test file was quicker with the same
    execFileSync('rm', ['-rf', beside]);
  }
}

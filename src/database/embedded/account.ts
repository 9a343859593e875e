import { readFileSync } from 'node:fs';
import { FerricError, messageOf } from '../../domain/errors.js';
import type { Logger } from '../../platform/logger.js';
import { runCommand } from '../../platform/run-command.js';

/** An account of the operating system. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The account that PostgreSQL runs under when the daemon is root: PostgreSQL refuses root. It is created if missing,
 * and must have no other use: its processes can do anything to the database.
 * @throws FerricError with a remedy when it cannot be created
 */
export async function serverAccount(name: string, log: Logger): Promise<Account> {
  const known = lookUp('name', name);
  if (known) return known;
  log.info({ account: name }, 'making the account that PostgreSQL runs under');
  try {
    await runCommand({
      file: 'useradd',
      args: [
        '--system',
        '--user-group',
        '--no-create-home',
        '--home-dir=/nonexistent',
        '--shell=/usr/sbin/nologin',
        name,
      ],
      timeout: 20_000,
    });
  } catch (error) {
    // Another daemon that starts at the same time may have created it.
    const made = lookUp('name', name);
    if (made) return made;
    throw new FerricError(
      'invalid',
      `The account ${name} (database.account) that PostgreSQL is to run under is missing and could not be made: ` +
        `${messageOf(error)}. Make it (useradd --system ${name}), name another one of its own, or set database.url`,
      { cause: error },
    );
  }
  const made = lookUp('name', name);
  if (!made)
    throw new FerricError(
      'invalid',
      `The account ${name} (database.account) was made and is not in /etc/passwd`,
    );
  return made;
}

/** The account that this process runs under. */
export function ownAccount(): Account {
  const uid = process.getuid!();
  const known = lookUp('uid', String(uid));
  if (!known)
    throw new FerricError(
      'invalid',
      `PostgreSQL needs a name for the account ${uid}: it has no line in /etc/passwd`,
    );
  return known;
}

function lookUp(by: 'name' | 'uid', wanted: string): Account | null {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && (by === 'name' ? name : uid) === wanted) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

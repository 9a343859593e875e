import { InvalidError } from '../../../domain/errors.js';

/** A higher cost would occupy the thread for minutes. */
const MOST_COST = 16;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

export interface Users {
  /** bcrypt hash of each user’s password. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Errors by line; such lines are ignored. */
  readonly faults: readonly string[];
  /** A hash that no password matches, of the highest cost among the users. */
  readonly nobodys: string;
}

/** Reads lines of `user:bcrypt`. Empty lines and lines that begin with `#` are skipped. */
export function parseUsers(text: string): Users {
  const hashes = new Map<string, string>();
  const faults: string[] = [];
  let cost = 4;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const fault = faultOf(line, hashes);
    if (fault !== null) {
      faults.push(`line ${index + 1}: ${fault}`);
      continue;
    }
    const colon = line.indexOf(':');
    hashes.set(line.slice(0, colon), line.slice(colon + 1));
    cost = Math.max(cost, costOf(line.slice(colon + 1))!);
  }
  const nobodys = `$2b$${String(hashes.size === 0 ? 10 : cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  return { hashes, faults, nobodys };
}

/** The error of a line; the text never contains the hash. */
function faultOf(line: string, before: ReadonlyMap<string, string>): string | null {
  const colon = line.indexOf(':');
  if (colon < 1) return 'it is not user:hash';
  const user = line.slice(0, colon);
  const cost = costOf(line.slice(colon + 1));
  if (cost === null) return `the password of ${user} is not hashed with bcrypt (htpasswd -B)`;
  if (cost < 4 || cost > MOST_COST) {
    return `the password of ${user} has a cost of ${cost}; it may be 4 to ${MOST_COST}`;
  }
  return before.has(user) ? `${user} is there already` : null;
}

function costOf(hash: string): number | null {
  const match = BCRYPT.exec(hash);
  return match ? Number(match[1]) : null;
}

/** @throws InvalidError that names every wrong line */
export function refuseFaults(file: string, { faults }: Users): void {
  if (faults.length > 0) {
    throw new InvalidError(`auth.http_basic.user_file ${file} has faults:\n  - ${faults.join('\n  - ')}`);
  }
}

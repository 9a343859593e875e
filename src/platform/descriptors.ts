import { readFileSync } from 'node:fs';

/**
 * Descriptors that connections must leave to everything else: the database's connections, files, programs, and the
 * connections that Ferric itself opens.
 */
const RESERVE = 256;

/** Descriptors that this process may have open (RLIMIT_NOFILE; Node.js raises the soft limit to the hard one). */
export function descriptorLimit(): number {
  const row = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  return row === null || row[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(row[1]);
}

/** How many connections all listeners may hold together. @param limit descriptors */
export function connectionRoom(limit: number): number {
  return limit - Math.min(RESERVE, Math.ceil(limit / 2));
}

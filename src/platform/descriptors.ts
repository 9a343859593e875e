import { readFileSync } from 'node:fs';

/**
 * Descriptors reserved for everything but incoming connections: the database's connections, files, programs, and
 * Ferric's own outgoing connections.
 */
const RESERVE = 256;

/** Descriptors that this process may open (RLIMIT_NOFILE; Node.js raises the soft limit to the hard one). */
export function descriptorLimit(): number {
  const row = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  return row === null || row[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(row[1]);
}

/** Maximum of connections of all listeners together. @param limit descriptors */
export function connectionRoom(limit: number): number {
  return limit - Math.min(RESERVE, Math.ceil(limit / 2));
}

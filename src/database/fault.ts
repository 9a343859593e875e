import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';
import { DatabaseAwayError, type DatabaseTrouble, FerricError, InvalidError } from '../domain/errors.js';

/**
 * Consequence of an error that the server reports:
 * - `again`: nothing was done, and a retry may succeed;
 * - `away`: the database cannot be used now, the statement is not at fault, and it is unknown whether a commit took
 *   effect;
 * - `refused`: the database cannot store such a value;
 * - `bug`: the statement is wrong, or it broke a constraint that its repository knows by name.
 */
export type Consequence = 'again' | 'away' | 'refused' | 'bug';

interface FaultRow {
  /** SQLSTATE, or its class by the first two characters. */
  readonly state: string;
  readonly follows: Consequence;
  readonly trouble?: DatabaseTrouble;
}

/** From PostgreSQL's Appendix A, "PostgreSQL Error Codes". A full code precedes its class; without a row: `bug`. */
export const FAULTS: readonly FaultRow[] = [
  { state: '08', follows: 'away', trouble: 'lost' }, // connection exception
  { state: '0A000', follows: 'bug' }, // feature not supported, and a plan that is out of date: see `isOutOfDate`
  { state: '22', follows: 'refused' }, // data exception
  { state: '23', follows: 'bug' }, // integrity constraint violation
  { state: '25006', follows: 'away', trouble: 'read-only' }, // a standby, or a server that is being taken over
  { state: '25P03', follows: 'away', trouble: 'lost' }, // idle in transaction for too long
  { state: '25P04', follows: 'away', trouble: 'slow' }, // transaction timeout
  { state: '28', follows: 'away', trouble: 'login' }, // invalid authorization
  { state: '3D000', follows: 'away', trouble: 'login' }, // no such database
  { state: '40001', follows: 'again', trouble: 'contended' }, // serialization failure
  { state: '40003', follows: 'away', trouble: 'lost' }, // statement completion unknown
  { state: '40P01', follows: 'again', trouble: 'contended' }, // deadlock
  { state: '42501', follows: 'away', trouble: 'login' }, // insufficient privilege
  { state: '53', follows: 'away', trouble: 'exhausted' }, // insufficient resources
  { state: '53100', follows: 'away', trouble: 'disk-full' },
  { state: '53200', follows: 'away', trouble: 'out-of-memory' },
  { state: '53300', follows: 'away', trouble: 'too-many-connections' },
  { state: '54', follows: 'refused' }, // program limit exceeded: a value too long for an index
  { state: '55P03', follows: 'away', trouble: 'contended' }, // lock timeout: it was waited for already
  { state: '57014', follows: 'away', trouble: 'slow' }, // statement timeout, or cancelled by an administrator
  { state: '57P', follows: 'away', trouble: 'lost' }, // shut down, crashed, starting, dropped, idle for too long
  { state: '58', follows: 'away', trouble: 'broken' }, // system error: I/O, files
  { state: '72', follows: 'again', trouble: 'contended' }, // snapshot too old
  { state: 'F0', follows: 'away', trouble: 'broken' }, // configuration file
  { state: 'XX', follows: 'away', trouble: 'broken' }, // internal error, corrupted data or index
];

const BUG: FaultRow = { state: '', follows: 'bug' };
const byState = new Map(FAULTS.map((row) => [row.state, row]));

export function rowOf(state: string): FaultRow {
  return byState.get(state) ?? byState.get(state.slice(0, 3)) ?? byState.get(state.slice(0, 2)) ?? BUG;
}

/**
 * Classifies an error of a query by its origin.
 * @param isLost whether the connection is lost or was never made: any other error than the server's is then `lost`.
 * Otherwise such an error concerns a value that cannot be sent or read, and is passed on.
 * @returns the error to throw instead
 */
export function faultOf(thrown: unknown, isLost: boolean): unknown {
  if (thrown instanceof FerricError) return thrown;
  const answer = thrown instanceof QueryFailedError ? (thrown.driverError as unknown) : thrown;
  if (!(answer instanceof DatabaseError)) return isLost ? away('lost', false, thrown) : thrown;
  if (isOutOfDate(answer)) return away('lost', true, thrown);
  const { follows, trouble = 'lost' } = rowOf(answer.code ?? '');
  switch (follows) {
    case 'again':
    case 'away':
      return away(trouble, follows === 'again', thrown);
    case 'refused':
      return new InvalidError('A value is out of range.', { cause: thrown });
    case 'bug':
      return isLost ? away('lost', false, thrown) : thrown;
  }
}

function away(trouble: DatabaseTrouble, undone: boolean, cause: unknown): DatabaseAwayError {
  return new DatabaseAwayError(trouble, undone, { cause });
}

/** Another Ferric has migrated the schema: this connection must be closed, and the pool opens a new one. */
export function isOutOfDate(error: unknown): boolean {
  const { code, routine } = error as { code?: string; routine?: string };
  return code === '0A000' && routine === 'RevalidateCachedQuery';
}

import type { ErrorCode } from '../../domain/errors.js';

/** HTTP status of every failure. */
export const STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  conflict: 409,
  locked: 409,
  'too-large': 413,
  'too-many-requests': 429,
  unavailable: 503,
  'database-away': 503,
  unsupported: 400,
  'bmc-unreachable': 502,
  'bmc-authentication': 502,
  'bmc-failed': 502,
  'agent-unreachable': 502,
  'agent-failed': 502,
  'image-refused': 400,
  'image-unavailable': 502,
  'command-failed': 500,
  'reservation-lost': 409,
  cancelled: 503,
  internal: 500,
};

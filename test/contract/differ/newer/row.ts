/** Something that came after the versions of Debian's Ironic, and how a client sees that it did. */
export interface Newer {
  /** N of the first version 1.N. */
  since: number;
  kind: 'field' | 'filter' | 'verb' | 'route' | 'argument' | 'behaviour';
  name: string;
  /** Where upstream has the version: a file below ironic/api of openstack/ironic at 7bc6aba7. */
  source: string;
  ask: Ask;
  /** At 1.(N-1). */
  before: Seen;
  /** At 1.N. */
  from: Seen;
  /** The path or the field of the OpenAPI document that is in it from 1.N on and not before. */
  documented?: Documented;
}

export interface Ask {
  method: string;
  path: string;
  body?: unknown;
}

export interface Seen {
  status: number;
  /** Keys that the answer has, by their path in it. */
  has?: string;
  lacks?: string;
  header?: string;
  noHeader?: string;
}

export type Documented = { schema: string; field: string } | { path: string; method: string; query?: string };

export const ask = (method: string, path: string, body?: unknown): Ask => ({
  method,
  path,
  ...(body === undefined ? {} : { body }),
});
export const is = (status: number, more: Omit<Seen, 'status'> = {}): Seen => ({ status, ...more });

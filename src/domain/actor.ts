/**
 * The source of a change: a request of the API, a ramdisk's agent, a clock of the conductor (a poll, a timeout, a
 * periodic task), or the conductor itself (recovery after a loss).
 */
export const VIAS = ['api', 'agent', 'periodic', 'conductor'] as const;
export type Via = (typeof VIAS)[number];

/** Who asked for a change. It is kept with the work that was asked for, and in the event of each change. */
export interface Actor {
  readonly via: Via;
  /** `req-…` as in the header `openstack-request-id`; null for a change without a request. */
  readonly request_id: string | null;
  /** User as the login names them; null without a login. */
  readonly user: string | null;
  readonly project: string | null;
  /** IP address that the request came from. */
  readonly source: string | null;
}

const nobody = { request_id: null, user: null, project: null, source: null } as const;
export const PERIODIC: Actor = { via: 'periodic', ...nobody };
export const CONDUCTOR: Actor = { via: 'conductor', ...nobody };

/** A ramdisk as the actor, without a request of the API. @param source its IP address */
export function agentAt(source: string): Actor {
  return { via: 'agent', ...nobody, source };
}

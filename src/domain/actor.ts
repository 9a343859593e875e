/**
 * By which door a change came: a request of the API, a ramdisk's agent, a clock of the conductor (a poll, a timeout, a
 * periodic task), or the conductor itself (recovery after a loss).
 */
export const VIAS = ['api', 'agent', 'periodic', 'conductor'] as const;
export type Via = (typeof VIAS)[number];

/** Who asked for a change. It travels with the work that was asked for, and stands in the event of each change. */
export interface Actor {
  readonly via: Via;
  /** `req-…` as the header `openstack-request-id` told it; null where no request stands behind the change. */
  readonly request_id: string | null;
  /** As the login names them; null without one. */
  readonly user: string | null;
  readonly project: string | null;
  /** IP address that the request came from. */
  readonly source: string | null;
}

const nobody = { request_id: null, user: null, project: null, source: null } as const;
export const PERIODIC: Actor = { via: 'periodic', ...nobody };
export const CONDUCTOR: Actor = { via: 'conductor', ...nobody };

/** A ramdisk that nobody's request stands behind. @param source its IP address */
export function agentAt(source: string): Actor {
  return { via: 'agent', ...nobody, source };
}

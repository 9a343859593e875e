import { MalformedBody, optionalString, requireObject, requireString } from './malformed-body.js';

export const AGENT_STATUSES = ['start', 'end', 'error'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

/** Body of `POST /v1/heartbeat/{node uuid}`. */
export interface HeartbeatBody {
  /** Where the agent's own API listens, such as `https://192.0.2.7:9999`. */
  callback_url: string;
  agent_token?: string;
  /** 1.36 */
  agent_version?: string;
  /** PEM of the agent's certificate (1.68). */
  agent_verify_ca?: string;
  /** 1.72 */
  agent_status?: AgentStatus;
  /** 1.72 */
  agent_status_message?: string;
}

/** First microversion that accepts each field; an older conductor refuses a body that contains it. */
export const HEARTBEAT_FIELD_SINCE = {
  callback_url: 22,
  agent_version: 36,
  agent_token: 62,
  agent_verify_ca: 68,
  agent_status: 72,
  agent_status_message: 72,
} as const satisfies Record<keyof HeartbeatBody, number>;

/** @throws MalformedBody */
export function parseHeartbeatBody(body: unknown): HeartbeatBody {
  const top = requireObject(body, '');
  const status = optionalString(top['agent_status'], 'agent_status');
  if (status !== undefined && !(AGENT_STATUSES as readonly string[]).includes(status)) {
    throw new MalformedBody('agent_status', `must be one of ${AGENT_STATUSES.join(', ')}`);
  }
  return {
    callback_url: requireString(top['callback_url'], 'callback_url'),
    agent_token: optionalString(top['agent_token'], 'agent_token'),
    agent_version: optionalString(top['agent_version'], 'agent_version'),
    agent_verify_ca: optionalString(top['agent_verify_ca'], 'agent_verify_ca'),
    agent_status: status as AgentStatus | undefined,
    agent_status_message: optionalString(top['agent_status_message'], 'agent_status_message'),
  };
}

/** Omits fields that a conductor of version 1.`minor` does not know. */
export function heartbeatFor(minor: number, body: HeartbeatBody): HeartbeatBody {
  return Object.fromEntries(
    Object.entries(body).filter(
      ([field, value]) => value !== undefined && HEARTBEAT_FIELD_SINCE[field as keyof HeartbeatBody] <= minor,
    ),
  ) as unknown as HeartbeatBody;
}

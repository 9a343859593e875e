/**
 * The agent_version of heartbeats. Conductors compare it with versions of ironic-python-agent to know what an agent can
 * do, so it is the upstream series whose protocol this agent implements.
 */
export const AGENT_VERSION = '11.0.0';

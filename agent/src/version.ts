/**
 * What heartbeats name as agent_version. Conductors compare it with the versions of ironic-python-agent to know
 * what an agent can do, so it is the upstream series whose protocol this agent speaks.
 */
export const AGENT_VERSION = '11.0.0';

/** Collections under /v1, with the first microversion of each. */
export const COLLECTIONS: Readonly<Record<string, number>> = {
  chassis: 1,
  nodes: 1,
  ports: 1,
  drivers: 1,
  portgroups: 23,
  volume: 32,
  lookup: 22,
  heartbeat: 22,
  conductors: 49,
  allocations: 52,
  events: 54,
  deploy_templates: 55,
  shards: 82,
  continue_inspection: 84,
  runbooks: 92,
  inspection_rules: 96,
};

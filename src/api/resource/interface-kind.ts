/** Interface kinds in the API's order, with the first microversion of their field in a node and in a driver. */
export const INTERFACES = [
  { kind: 'bios', nodeSince: 40, driverSince: 40 },
  { kind: 'boot', nodeSince: 31, driverSince: 30 },
  { kind: 'console', nodeSince: 31, driverSince: 30 },
  { kind: 'deploy', nodeSince: 31, driverSince: 30 },
  { kind: 'firmware', nodeSince: 86, driverSince: 86 },
  { kind: 'inspect', nodeSince: 31, driverSince: 30 },
  { kind: 'management', nodeSince: 31, driverSince: 30 },
  { kind: 'network', nodeSince: 20, driverSince: 30 },
  { kind: 'power', nodeSince: 31, driverSince: 30 },
  { kind: 'raid', nodeSince: 31, driverSince: 30 },
  { kind: 'rescue', nodeSince: 38, driverSince: 38 },
  { kind: 'storage', nodeSince: 33, driverSince: 33 },
  { kind: 'vendor', nodeSince: 31, driverSince: 30 },
] as const;

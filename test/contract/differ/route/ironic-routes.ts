/**
 * Every route of Ironic, as its api-ref has them (`rest_method` in api-ref/source) with the first version of each
 * (api/controllers/v1/versions.py), and those that its controllers have besides. `:name` stands for any one part.
 */
const ROUTES: Readonly<Record<string, readonly [methods: string, since: number]>> = {
  '/': ['GET', 1],
  '/v1': ['GET', 1],
  '/v1/allocations': ['GET POST', 52],
  '/v1/allocations/:ident': ['GET DELETE', 52],
  '/v1/chassis': ['GET POST', 1],
  '/v1/chassis/detail': ['GET', 1],
  '/v1/chassis/:ident': ['GET PATCH DELETE', 1],
  '/v1/chassis/:ident/nodes': ['GET', 1],
  '/v1/chassis/:ident/nodes/detail': ['GET', 1],
  '/v1/conductors': ['GET', 49],
  '/v1/conductors/:ident': ['GET', 49],
  '/v1/continue_inspection': ['POST', 1],
  '/v1/deploy_templates': ['GET POST', 55],
  '/v1/deploy_templates/:ident': ['GET PATCH DELETE', 55],
  '/v1/drivers': ['GET', 1],
  '/v1/drivers/:ident': ['GET', 1],
  '/v1/drivers/:ident/properties': ['GET', 1],
  '/v1/drivers/:ident/raid/logical_disk_properties': ['GET', 1],
  '/v1/drivers/:ident/vendor_passthru': ['GET POST PUT PATCH DELETE', 1],
  '/v1/drivers/:ident/vendor_passthru/:part': ['GET POST PUT PATCH DELETE', 1],
  '/v1/drivers/:ident/vendor_passthru/methods': ['GET', 1],
  '/v1/events': ['POST', 54],
  '/v1/heartbeat/:ident': ['POST', 22],
  '/v1/inspection_rules': ['GET POST DELETE', 96],
  '/v1/inspection_rules/:ident': ['GET PATCH DELETE', 96],
  '/v1/lookup': ['GET', 22],
  '/v1/nodes': ['GET POST', 1],
  '/v1/nodes/detail': ['GET', 1],
  '/v1/nodes/validate': ['GET', 1],
  '/v1/nodes/:ident': ['GET PATCH DELETE', 1],
  '/v1/nodes/:ident/allocation': ['GET DELETE', 52],
  '/v1/nodes/:ident/bios': ['GET', 40],
  '/v1/nodes/:ident/bios/:part': ['GET', 40],
  '/v1/nodes/:ident/children': ['GET', 83],
  '/v1/nodes/:ident/firmware': ['GET', 86],
  '/v1/nodes/:ident/history': ['GET', 78],
  '/v1/nodes/:ident/history/:part': ['GET', 78],
  '/v1/nodes/:ident/inventory': ['GET', 81],
  '/v1/nodes/:ident/maintenance': ['PUT DELETE', 1],
  '/v1/nodes/:ident/management/boot_device': ['GET PUT', 1],
  '/v1/nodes/:ident/management/boot_device/supported': ['GET', 1],
  '/v1/nodes/:ident/management/indicators': ['GET', 1],
  '/v1/nodes/:ident/management/indicators/:part': ['GET PUT', 1],
  '/v1/nodes/:ident/management/inject_nmi': ['PUT', 29],
  '/v1/nodes/:ident/portgroups': ['GET', 24],
  '/v1/nodes/:ident/portgroups/detail': ['GET', 24],
  '/v1/nodes/:ident/ports': ['GET', 1],
  '/v1/nodes/:ident/ports/detail': ['GET', 1],
  '/v1/nodes/:ident/states': ['GET', 1],
  '/v1/nodes/:ident/states/boot_mode': ['PUT', 76],
  '/v1/nodes/:ident/states/console': ['GET PUT', 1],
  '/v1/nodes/:ident/states/power': ['PUT', 1],
  '/v1/nodes/:ident/states/provision': ['PUT', 1],
  '/v1/nodes/:ident/states/raid': ['PUT', 1],
  '/v1/nodes/:ident/states/secure_boot': ['PUT', 76],
  '/v1/nodes/:ident/traits': ['GET PUT DELETE', 37],
  '/v1/nodes/:ident/traits/:part': ['PUT DELETE', 37],
  '/v1/nodes/:ident/validate': ['GET', 1],
  '/v1/nodes/:ident/vendor_passthru': ['GET POST PUT PATCH DELETE', 1],
  '/v1/nodes/:ident/vendor_passthru/:part': ['GET POST PUT PATCH DELETE', 1],
  '/v1/nodes/:ident/vendor_passthru/methods': ['GET', 1],
  '/v1/nodes/:ident/vifs': ['GET POST', 28],
  '/v1/nodes/:ident/vifs/:part': ['DELETE', 28],
  '/v1/nodes/:ident/vmedia': ['POST DELETE', 89],
  '/v1/nodes/:ident/volume': ['GET', 32],
  '/v1/nodes/:ident/volume/connectors': ['GET', 32],
  '/v1/nodes/:ident/volume/targets': ['GET', 32],
  '/v1/portgroups': ['GET POST', 23],
  '/v1/portgroups/detail': ['GET', 23],
  '/v1/portgroups/:ident': ['GET PATCH DELETE', 23],
  '/v1/portgroups/:ident/ports': ['GET', 24],
  '/v1/portgroups/:ident/ports/detail': ['GET', 24],
  '/v1/ports': ['GET POST', 1],
  '/v1/ports/detail': ['GET', 1],
  '/v1/ports/:ident': ['GET PATCH DELETE', 1],
  '/v1/runbooks': ['GET POST', 92],
  '/v1/runbooks/:ident': ['GET PATCH DELETE', 92],
  '/v1/runbooks/:ident/traits': ['GET PUT DELETE', 112],
  '/v1/runbooks/:ident/traits/:part': ['PUT DELETE', 112],
  '/v1/shards': ['GET', 82],
  '/v1/volume': ['GET', 32],
  '/v1/volume/connectors': ['GET POST', 32],
  '/v1/volume/connectors/:ident': ['GET PATCH DELETE', 32],
  '/v1/volume/targets': ['GET POST', 32],
  '/v1/volume/targets/:ident': ['GET PATCH DELETE', 32],
};

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly since: number;
}

/** Methods that came to a path later. */
const LATER: readonly Route[] = [
  { method: 'PATCH', path: '/v1/allocations/:ident', since: 57 },
  { method: 'GET', path: '/v1/nodes/:ident/vmedia', since: 93 },
];

export const IRONIC_ROUTES: readonly Route[] = [
  ...Object.entries(ROUTES).flatMap(([path, [methods, since]]) =>
    methods.split(' ').map((method) => ({ method, path, since })),
  ),
  ...LATER,
];

/** A path of a request or of a table, with what stands for a name the same in both. */
export function templateOf(path: string): string {
  return path.replace(/\?.*$/, '').replaceAll(/:\w+|\{\w+\}/g, ':any');
}

/** What paths of requests look like that are for this one. */
export function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
}

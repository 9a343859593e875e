import { booleanOf, linkOf, numberOf, partOf, type Resource, textOf, type Uri } from './resource.js';

/** Links and identity of a service (DSP0268, ServiceRoot). */
export interface ServiceRoot {
  readonly systems: Uri | undefined;
  readonly chassis: Uri | undefined;
  readonly managers: Uri | undefined;
  /** Collection in which sessions are created; undefined: basic authentication only. */
  readonly sessions: Uri | undefined;
  readonly sessionService: Uri | undefined;
  readonly updateService: Uri | undefined;
  readonly eventService: Uri | undefined;
  readonly taskService: Uri | undefined;
  readonly registries: Uri | undefined;
  /** Since 1.5 of the schema; Supermicro and others omit it. */
  readonly vendor: string | undefined;
  readonly product: string | undefined;
  readonly redfishVersion: string | undefined;
  /** Names of the root's Oem objects, which identify a maker if Vendor does not (`Ami`, `Supermicro`). */
  readonly oem: readonly string[];
  /** The service supports `$expand=.($levels=1)`. */
  readonly expands: boolean;
}

export function readServiceRoot(root: Resource): ServiceRoot {
  const links = partOf(root, 'Links');
  const expand = partOf(partOf(root, 'ProtocolFeaturesSupported'), 'ExpandQuery');
  return {
    systems: linkOf(root, 'Systems'),
    chassis: linkOf(root, 'Chassis'),
    managers: linkOf(root, 'Managers'),
    sessions: linkOf(links, 'Sessions'),
    sessionService: linkOf(root, 'SessionService'),
    updateService: linkOf(root, 'UpdateService'),
    eventService: linkOf(root, 'EventService'),
    taskService: linkOf(root, 'Tasks'),
    registries: linkOf(root, 'Registries'),
    vendor: textOf(root, 'Vendor'),
    product: textOf(root, 'Product'),
    redfishVersion: textOf(root, 'RedfishVersion'),
    oem: Object.keys(partOf(root, 'Oem') ?? {}).filter((name) => !name.startsWith('@')),
    expands: booleanOf(expand, 'NoLinks') === true && (numberOf(expand, 'MaxLevels') ?? 1) >= 1,
  };
}

import { booleanOf, linkOf, numberOf, partOf, type Resource, textOf, type Uri } from './resource.js';

/** What a service offers and who made it (DSP0268, ServiceRoot). */
export interface ServiceRoot {
  readonly systems: Uri | undefined;
  readonly chassis: Uri | undefined;
  readonly managers: Uri | undefined;
  /** Where sessions are made; undefined: basic authentication alone. */
  readonly sessions: Uri | undefined;
  readonly sessionService: Uri | undefined;
  readonly updateService: Uri | undefined;
  readonly eventService: Uri | undefined;
  readonly taskService: Uri | undefined;
  readonly registries: Uri | undefined;
  /** Since 1.5 of the schema; Supermicro and others leave it out. */
  readonly vendor: string | undefined;
  readonly product: string | undefined;
  readonly redfishVersion: string | undefined;
  /** Names of the root's Oem objects, which tell a maker that Vendor does not (`Ami`, `Supermicro`). */
  readonly oem: readonly string[];
  /** `$expand=.($levels=1)` may be asked for. */
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

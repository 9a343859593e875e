import type { HookName, InspectorSettings } from '../../config/section/inspector.js';
import type { RedfishSettings } from '../../config/section/redfish.js';
import { FerricError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { readTlvs } from '../../protocol/lldp/tlv.js';
import { readBoot } from '../../protocol/redfish/boot-override.js';
import {
  lldpOf,
  localGb,
  macsOfPort,
  readCpu,
  readDisk,
  readInterface,
  readMemory,
} from '../../protocol/redfish/inventory.js';
import { linkOf, partOf, partsOf, type Resource, textOf } from '../../protocol/redfish/resource.js';
import { digest } from '../agent/inspection/digest.js';
import { capabilitiesOf, capabilitiesText } from '../capabilities.js';
import type { ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import type { Findings, InspectedPort, InspectInterface, InspectionReport } from '../contract/inspect.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import type { RedfishMachine, RedfishMachines } from './machine.js';
import { parseTarget, REDFISH_PROPERTIES } from './target.js';

/** Hooks that need a network interface, and are omitted for a machine whose BMC shows none. */
const OF_INTERFACES: readonly HookName[] = [
  'validate-interfaces',
  'ports',
  'local-link-connection',
  'physical-network',
];
/** Members that a collection is read for at most: each is a request. */
const MOST_PORTS = 256;

/** Inspection by the BMC alone; the machine is not booted (Ironic: redfish/inspect.py). */
export class RedfishInspect implements InspectInterface {
  readonly name = 'redfish';
  readonly needs: Startable;
  readonly properties = REDFISH_PROPERTIES;
  readonly steps: readonly StepDeclaration[];

  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      settings: RedfishSettings;
      inspector: InspectorSettings;
    },
  ) {
    this.needs = parts.machines.client;
    this.steps = [
      {
        interface: 'inspect',
        name: 'inspect_hardware',
        kind: 'inspect',
        priority: 100,
        abortable: true,
        rerunnable: true,
        visible: false,
        run: (context) => this.inspect(context),
      },
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
  }

  async cleanUp(): Promise<void> {}

  /** The report is stored; the conductor's own step reads it, as it reads a ramdisk's. */
  private async inspect(context: StepContext): Promise<StepOutcome> {
    const machine = this.parts.machines.of(context);
    await context.save({ inspection_report: await readMachine(machine) });
    return { is: 'done' };
  }

  async readReport(
    context: WorkContext,
    { inventory, plugin_data }: InspectionReport,
    before: { ports: readonly InspectedPort[]; inventory: JsonObject | null },
  ): Promise<Findings> {
    const { settings, inspector } = this.parts;
    const properties = propertiesOf(context, inventory, plugin_data);
    const nics = partsOf(inventory, 'interfaces');
    if (nics.length === 0) context.log.warn('the BMC shows no MAC address: ports are to be created by hand');
    const hooks = settings.inspection_hooks.filter((hook) => {
      if (OF_INTERFACES.includes(hook)) return nics.length > 0;
      return hook !== 'architecture' || cpuOf(inventory)['architecture'] !== undefined;
    });
    const found = digest({
      node_uuid: context.node.uuid,
      inventory,
      before: before.inventory,
      properties,
      plugin_data: structuredClone(plugin_data),
      ports: [...before.ports],
      // No interface is known to have booted: pxe_enabled of existing ports stays.
      settings: { ...inspector, hooks, update_pxe_enabled: false },
      log: context.log,
    });
    // Ironic creates them with its default: any of them may be the one to boot from.
    const ports = found.ports.map((port) => (port.uuid === null ? { ...port, pxe_enabled: true } : port));
    return { ...found, ports };
  }
}

/** Everything that the BMC shows of its machine. Only the System itself is required. */
export async function readMachine(machine: RedfishMachine): Promise<InspectionReport> {
  const { resource: system } = await machine.system();
  const { differences } = await machine.differences(system);
  const processors = await machine.members(linkOf(system, 'Processors'));
  const nics = await machine.members(linkOf(system, 'EthernetInterfaces'));
  const interfaces = unique(nics.map(readInterface).filter((one) => one !== undefined));
  const disks = await readDisks(machine, system);
  const lldp_raw = await readLldp(machine, system, interfaces);
  const parsed = Object.entries(lldp_raw).map(([name, tlvs]) => [name, readTlvs(tlvs)] as const);
  const serial = textOf(system, differences.serialFrom ?? 'SerialNumber');
  const uuid = textOf(system, 'UUID');
  const memory = readMemory(system);
  const mode = readBoot(system).mode;
  return {
    inventory: {
      memory: memory === undefined ? {} : { physical_mb: memory },
      cpu: readCpu(system, processors),
      disks: disks.shown,
      interfaces,
      system_vendor: {
        product_name: textOf(system, 'Model') ?? null,
        serial_number: serial ?? null,
        manufacturer: textOf(system, 'Manufacturer') ?? null,
        ...(uuid === undefined ? {} : { system_uuid: uuid }),
      },
      boot: mode === undefined ? {} : { current_boot_mode: mode },
    },
    plugin_data: {
      local_gb: localGb(...disks.groups),
      ...(parsed.length > 0 ? { lldp_raw, parsed_lldp: Object.fromEntries(parsed) as JsonObject } : {}),
    },
  };
}

/** SimpleStorage, and volumes or else drives of Storage (Ironic). */
async function readDisks(
  machine: RedfishMachine,
  system: Resource,
): Promise<{ shown: JsonObject[]; groups: JsonObject[][] }> {
  const disksOf = (resources: readonly Resource[]) =>
    resources.map(readDisk).filter((disk) => disk !== undefined);
  const simple: JsonObject[] = [];
  for (const storage of await machine.members(linkOf(system, 'SimpleStorage'))) {
    simple.push(...disksOf(partsOf(storage, 'Devices')));
  }
  const volumes: JsonObject[] = [];
  const drives: JsonObject[] = [];
  for (const storage of await machine.members(linkOf(system, 'Storage'))) {
    volumes.push(...disksOf(await machine.members(linkOf(storage, 'Volumes'))));
    drives.push(...disksOf(await machine.linked(storage, 'Drives')));
  }
  const stored = volumes.length > 0 ? volumes : drives;
  return { shown: stored.length > 0 ? stored : simple, groups: [simple, stored] };
}

/** TLVs by interface. NetworkAdapters may be refused until the machine has run (HPE Gen11). */
async function readLldp(
  machine: RedfishMachine,
  system: Resource,
  interfaces: readonly JsonObject[],
): Promise<Record<string, Json[]>> {
  const heard: Record<string, Json[]> = {};
  let read = 0;
  for (const chassis of await machine.chassis(system)) {
    for (const adapter of await machine.members(linkOf(chassis, 'NetworkAdapters'))) {
      const ports = linkOf(adapter, 'Ports') ?? linkOf(adapter, 'NetworkPorts');
      for (const port of await machine.members(ports)) {
        if (++read > MOST_PORTS) return heard;
        const tlvs = lldpOf(port);
        const macs = macsOfPort(port);
        const nic = interfaces.find(({ mac_address }) => macs.includes(String(mac_address)));
        if (nic && tlvs.length > 0) heard[String(nic['name'])] = tlvs;
      }
    }
  }
  return heard;
}

/**
 * The node's properties with what was found. What the BMC does not show stays as an operator set it.
 * @throws FerricError naming the essential properties that are neither shown nor set (Ironic's message)
 */
function propertiesOf({ node }: WorkContext, inventory: JsonObject, plugin_data: JsonObject): JsonObject {
  const memory = partOf(inventory, 'memory')?.['physical_mb'];
  const { architecture } = cpuOf(inventory);
  const mode = partOf(inventory, 'boot')?.['current_boot_mode'];
  const capabilities = capabilitiesOf(node.properties['capabilities']);
  const properties: JsonObject = {
    ...structuredClone(node.properties),
    local_gb: plugin_data['local_gb'] ?? 0,
    ...(memory === undefined ? {} : { memory_mb: memory }),
    ...(architecture === undefined ? {} : { cpu_arch: architecture }),
  };
  if (mode !== undefined && capabilities['boot_mode'] === undefined) {
    properties['capabilities'] = capabilitiesText({ ...capabilities, boot_mode: String(mode) });
  }
  const missing = ['memory_mb', 'cpu_arch'].filter((name) => properties[name] === undefined);
  if (missing.length === 0) return properties;
  throw new FerricError(
    'bmc-failed',
    `Failed to discover the following properties: ${missing.join(', ')} on node ${node.uuid}. ` +
      'Some BMCs show them only after the machine was switched on once; a property that is set by hand is kept.',
  );
}

function cpuOf(inventory: JsonObject): JsonObject {
  return partOf(inventory, 'cpu') ?? {};
}

/** The first interface of a name: hooks know interfaces by it. */
function unique(interfaces: readonly JsonObject[]): JsonObject[] {
  return [...new Map(interfaces.toReversed().map((one) => [one['name'], one])).values()].toReversed();
}

import {
  type Answer,
  type Body,
  badValue,
  type Call,
  collection,
  link,
  missingParameter,
  refuse,
  unknownProperty,
} from './answer.js';
import { type Board, pathsOf, type Resource, type Resources } from './board.js';
import type { BootOverride } from './boot.js';

/** A system and the resources below it. */
export function systemResources(board: Board, boot: BootOverride, parts: Body): Resources {
  const { personality, quirks } = board;
  const paths = pathsOf(personality);
  const path = paths.system;
  const settings = quirks.bootSettings === null ? undefined : `${path}/${quirks.bootSettings}`;
  const reset = `${path}/Actions/ComputerSystem.Reset`;
  const systems = [path, ...(quirks.secondSystem ? ['/redfish/v1/Systems/Baseboard'] : [])];
  const found: Resources = {
    '/redfish/v1/Systems': {
      get: () => collection('/redfish/v1/Systems', 'ComputerSystemCollection', systems),
    },
    [path]: {
      get: () => systemBody(board, boot, parts),
      patch: ({ body }) => change(boot, body, settings === undefined),
    },
    [`${path}/ResetActionInfo`]: {
      get: () => actionInfo(`${path}/ResetActionInfo`, 'ResetType', resetsOf(board)),
    },
    [reset]: { post: (call) => resetSystem(board, call) },
    ...nicResources(board),
    ...processorResources(board),
  };
  if (settings !== undefined) {
    found[settings] = {
      get: () => ({
        '@odata.id': settings,
        '@odata.type': '#ComputerSystem.v1_17_0.ComputerSystem',
        Id: quirks.bootSettings,
        Name: 'Settings of the system',
        Boot: boot.toBody(true),
      }),
      patch: ({ body }) => change(boot, body, true),
    };
  }
  if (quirks.secondSystem) found['/redfish/v1/Systems/Baseboard'] = { get: () => BASEBOARD };
  return found;
}

const BASEBOARD: Body = {
  '@odata.id': '/redfish/v1/Systems/Baseboard',
  '@odata.type': '#ComputerSystem.v1_17_0.ComputerSystem',
  Id: 'Baseboard',
  Name: 'Baseboard',
  Manufacturer: null,
  Model: null,
  SerialNumber: null,
  UUID: null,
  PowerState: null,
  Boot: null,
  Status: { State: null, Health: null },
};

function systemBody(board: Board, boot: BootOverride, parts: Body): Body {
  const { machine, personality, quirks } = board;
  const { hardware } = machine;
  const paths = pathsOf(personality);
  const path = paths.system;
  const fault = board.faults.has('health');
  const health = fault ? fault.is : 'OK';
  const claimed = board.faults.has('lying')?.status;
  return {
    '@odata.id': path,
    '@odata.type': '#ComputerSystem.v1_17_0.ComputerSystem',
    Id: personality.system,
    Name: machine.name,
    SystemType: 'Physical',
    Manufacturer: personality.manufacturer,
    Model: personality.model,
    SKU: `SKU-${machine.name}`,
    SerialNumber: `SN-${machine.name}`,
    UUID: hardware?.uuid ?? null,
    BiosVersion: board.firmware.get('bios') ?? null,
    PowerState: claimed ?? (machine.isOn() ? 'On' : 'Off'),
    IndicatorLED: 'Off',
    Status: { State: machine.isOn() ? 'Enabled' : 'Disabled', Health: health, HealthRollup: health },
    Boot: boot.toBody(quirks.bootSettings === null),
    MemorySummary: { TotalSystemMemoryGiB: (hardware?.memory ?? 1024) / 1024, Status: { Health: 'OK' } },
    ProcessorSummary: { Count: 1, LogicalProcessorCount: hardware?.cpus ?? 1, Model: 'Virtual CPU' },
    EthernetInterfaces: link(`${path}/EthernetInterfaces`),
    Processors: link(`${path}/Processors`),
    ...parts,
    ...(board.faults.take('hides-bios') ? { Bios: null } : {}),
    ...(quirks.bootSettings === null
      ? {}
      : {
          '@Redfish.Settings': {
            '@odata.type': '#Settings.v1_3_0.Settings',
            SettingsObject: link(`${path}/${quirks.bootSettings}`),
            SupportedApplyTimes: ['OnReset'],
          },
        }),
    Links: { Chassis: [link(paths.chassis)], ManagedBy: [link(paths.manager)] },
    Actions: {
      '#ComputerSystem.Reset': {
        target: `${path}/Actions/ComputerSystem.Reset`,
        '@Redfish.ActionInfo': `${path}/ResetActionInfo`,
        ...(quirks.actionInfoOnly ? {} : { 'ResetType@Redfish.AllowableValues': resetsOf(board) }),
      },
    },
  };
}

export function actionInfo(path: string, parameter: string, values: readonly string[]): Body {
  return {
    '@odata.id': path,
    '@odata.type': '#ActionInfo.v1_1_2.ActionInfo',
    Id: path.split('/').at(-1),
    Name: 'Action info',
    Parameters: [{ Name: parameter, Required: true, DataType: 'String', AllowableValues: values }],
  };
}

function resetsOf({ personality, machine }: Board): readonly string[] {
  return personality.resets.filter((type) => type !== 'Nmi' || machine.interrupt !== undefined);
}

function change(boot: BootOverride, body: Body, bootIsWritable: boolean): undefined {
  for (const key of Object.keys(body)) {
    if (key === 'Boot' || key === 'IndicatorLED' || key.startsWith('@')) continue;
    throw unknownProperty(key);
  }
  const { Boot: wanted } = body;
  if (wanted === undefined) return undefined;
  if (!bootIsWritable) {
    const text = 'The operation is supported at the settings object alone.';
    throw refuse(400, 'Ami.1.0.OperationSupportedInFutureStateURI', text, ['Boot']);
  }
  if (typeof wanted !== 'object' || wanted === null) throw badValue(wanted, 'Boot');
  boot.change(wanted as Body);
  return undefined;
}

async function resetSystem(board: Board, { body, raw }: Call): Promise<Answer> {
  const { faults, quirks } = board;
  if (quirks.bodyRequired && raw.length === 0)
    throw refuse(415, 'UnsupportedMediaType', 'The request has no body of a media type that is supported.');
  const type = body['ResetType'];
  if (type === undefined) throw missingParameter('ComputerSystem.Reset', 'ResetType');
  if (!resetsOf(board).includes(type as string)) {
    const text = `The value ${JSON.stringify(type)} of ResetType is not acceptable to ComputerSystem.Reset.`;
    throw refuse(400, 'ActionParameterNotSupported', text, ['ResetType', 'ComputerSystem.Reset']);
  }
  if (faults.has('lying')?.control === 'ignores') return { status: 204 };
  refuseConflicts(board, String(type));
  board.event({ kind: 'reset', type: String(type) });
  board.lastReset = { at: performance.now(), type: String(type) };
  const act = actOf(board, String(type));
  // The response precedes the settled power state, as on real BMCs.
  const done = act().then(
    () => {
      const starts = !['ForceOff', 'GracefulShutdown', 'Nmi'].includes(String(type));
      if (starts && board.machine.isOn()) for (const started of board.onStart) started();
      board.changed(
        pathsOf(board.personality).system,
        'ResourceEvent.1.2.ResourceChanged',
        `Reset: ${String(type)}`,
      );
    },
    (error: unknown) => board.event({ kind: 'failed', error }),
  );
  await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
  return { status: 204 };
}

function refuseConflicts({ machine, quirks, lastReset }: Board, type: string): void {
  const on = machine.isOn();
  const conflict = (text: string) => refuse(409, 'ActionParameterValueConflict', text, ['ResetType', type]);
  if (type === 'On' && lastReset.type === 'ForceOff' && performance.now() - lastReset.at < quirks.onConflict)
    throw conflict('The parameter ResetType with the value On conflicts with an operation in progress.');
  if (type === 'On' && on) throw conflict('The host is powered on already.');
  if (['ForceOff', 'GracefulShutdown'].includes(type) && !on)
    throw conflict('The host is powered off already.');
  if (['ForceRestart', 'GracefulRestart', 'PowerCycle', 'Nmi'].includes(type) && !on)
    throw conflict('The host is powered off.');
}

function actOf({ machine }: Board, type: string): () => Promise<void> {
  switch (type) {
    case 'On':
    case 'ForceOn':
      return () => machine.on();
    case 'ForceOff':
      return () => machine.off();
    case 'ForceRestart':
      return () => machine.reset();
    case 'PowerCycle':
      return async () => {
        await machine.off();
        await machine.on();
      };
    case 'Nmi':
      return async () => machine.interrupt?.();
    case 'GracefulRestart':
      // Requests a shutdown; the BMC powers the system on again once it is off.
      return () => restartGracefully(machine);
    case 'PushPowerButton':
      return () => (machine.isOn() ? machine.soft() : machine.on());
    default:
      return () => machine.soft();
  }
}

const GRACE = 60_000;

async function restartGracefully(machine: Board['machine']): Promise<void> {
  await machine.soft();
  const late = performance.now() + GRACE;
  while (machine.isOn() && performance.now() < late)
    await new Promise((resolve) => setTimeout(resolve, 100).unref());
  if (!machine.isOn()) await machine.on();
}

function nicResources(board: Board): Resources {
  const path = `${pathsOf(board.personality).system}/EthernetInterfaces`;
  const macs = board.machine.hardware?.macs ?? [];
  const id = (index: number) => `NIC${index + 1}`;
  const found: Resources = {
    [path]: {
      get: () =>
        collection(
          path,
          'EthernetInterfaceCollection',
          macs.map((_, i) => `${path}/${id(i)}`),
        ),
    },
  };
  for (const [index, mac] of macs.entries()) {
    const one = `${path}/${id(index)}`;
    found[one] = {
      get: () => ({
        '@odata.id': one,
        '@odata.type': '#EthernetInterface.v1_8_0.EthernetInterface',
        Id: id(index),
        Name: `Port ${index + 1}`,
        MACAddress: mac,
        PermanentMACAddress: mac,
        SpeedMbps: 1000,
        LinkStatus: 'LinkUp',
        Status: { State: board.quirks.nullNicState ? null : 'Enabled', Health: 'OK' },
      }),
    } satisfies Resource;
  }
  return found;
}

function processorResources(board: Board): Resources {
  const path = `${pathsOf(board.personality).system}/Processors`;
  const one = `${path}/CPU1`;
  return {
    [path]: { get: () => collection(path, 'ProcessorCollection', [one]) },
    [one]: {
      get: () => ({
        '@odata.id': one,
        '@odata.type': '#Processor.v1_9_0.Processor',
        Id: 'CPU1',
        Name: 'CPU 1',
        ProcessorType: 'CPU',
        ProcessorArchitecture: 'x86',
        InstructionSet: 'x86-64',
        Model: 'Virtual CPU',
        MaxSpeedMHz: 2000,
        TotalCores: board.machine.hardware?.cpus ?? 1,
        TotalThreads: board.machine.hardware?.cpus ?? 1,
        Status: { State: 'Enabled', Health: 'OK' },
      }),
    },
  };
}

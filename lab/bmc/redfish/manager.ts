import { type Body, collection, link, missingParameter, refuse, unknownProperty } from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';
import { actionInfo } from './system.js';

/** Resources of the manager, the BMC itself. */
export function managerResources(board: Board, parts: Body): Resources {
  const { personality, quirks } = board;
  const { manager, system, chassis } = pathsOf(personality);
  const reset = `${manager}/Actions/Manager.Reset`;
  let offset = 0;
  const time = () => `${new Date(Date.now() + offset).toISOString().slice(0, 19)}+00:00`;
  return {
    '/redfish/v1/Managers': { get: () => collection('/redfish/v1/Managers', 'ManagerCollection', [manager]) },
    [manager]: {
      get: () => ({
        '@odata.id': manager,
        '@odata.type': '#Manager.v1_14_0.Manager',
        Id: personality.manager,
        Name: 'Manager',
        ManagerType: 'BMC',
        Model: personality.product,
        FirmwareVersion: board.firmware.get('bmc') ?? null,
        DateTime: time(),
        DateTimeLocalOffset: '+00:00',
        PowerState: 'On',
        Status: { State: 'Enabled', Health: 'OK' },
        NetworkProtocol: link(`${manager}/NetworkProtocol`),
        ...parts,
        Links: { ManagerForServers: [link(system)], ManagerForChassis: [link(chassis)] },
        Actions: {
          '#Manager.Reset': {
            target: reset,
            '@Redfish.ActionInfo': `${manager}/ResetActionInfo`,
            ...(quirks.actionInfoOnly
              ? {}
              : { 'ResetType@Redfish.AllowableValues': personality.managerResets }),
          },
        },
      }),
      patch: ({ body }) => {
        for (const [key, value] of Object.entries(body)) {
          if (key === 'DateTimeLocalOffset') continue;
          if (key !== 'DateTime') throw unknownProperty(key);
          const wanted = typeof value === 'string' ? Date.parse(value) : Number.NaN;
          if (Number.isNaN(wanted) || /\.\d/.test(String(value))) {
            throw refuse(
              400,
              'PropertyValueFormatError',
              `${String(value)} is not a time in whole seconds.`,
              ['DateTime'],
            );
          }
          offset = wanted - Date.now();
        }
        return undefined;
      },
    },
    [`${manager}/ResetActionInfo`]: {
      get: () => actionInfo(`${manager}/ResetActionInfo`, 'ResetType', personality.managerResets),
    },
    [reset]: {
      post: ({ body }) => {
        const type = body['ResetType'];
        if (type === undefined) throw missingParameter('Manager.Reset', 'ResetType');
        if (!personality.managerResets.includes(type as string)) {
          const text = `The value ${JSON.stringify(type)} of ResetType is not acceptable to Manager.Reset.`;
          throw refuse(400, 'ActionParameterNotSupported', text, ['ResetType', 'Manager.Reset']);
        }
        board.event({ kind: 'reset', type: `manager ${String(type)}` });
        return { status: 204, after: () => board.restart() };
      },
    },
    [`${manager}/NetworkProtocol`]: {
      get: () => ({
        '@odata.id': `${manager}/NetworkProtocol`,
        '@odata.type': '#ManagerNetworkProtocol.v1_8_0.ManagerNetworkProtocol',
        Id: 'NetworkProtocol',
        Name: 'Network Protocol',
        HostName: board.machine.name,
        HTTPS: { ProtocolEnabled: true, Port: 443 },
        HTTP: { ProtocolEnabled: false, Port: 80 },
        IPMI: { ProtocolEnabled: true, Port: 623 },
      }),
    },
  };
}

/** Resources of the chassis: fans, temperatures, power supplies. */
export function chassisResources(board: Board): Resources {
  const { personality, machine } = board;
  const { chassis, system, manager } = pathsOf(personality);
  const status = { State: 'Enabled', Health: 'OK' };
  return {
    '/redfish/v1/Chassis': { get: () => collection('/redfish/v1/Chassis', 'ChassisCollection', [chassis]) },
    [chassis]: {
      get: () => ({
        '@odata.id': chassis,
        '@odata.type': '#Chassis.v1_20_0.Chassis',
        Id: personality.chassis,
        Name: 'Chassis',
        ChassisType: 'RackMount',
        Manufacturer: personality.manufacturer,
        Model: personality.model,
        SerialNumber: `SN-${machine.name}`,
        IndicatorLED: 'Off',
        PowerState: machine.isOn() ? 'On' : 'Off',
        Status: status,
        Thermal: link(`${chassis}/Thermal`),
        Power: link(`${chassis}/Power`),
        NetworkAdapters: link(`${chassis}/NetworkAdapters`),
        Links: { ComputerSystems: [link(system)], ManagedBy: [link(manager)] },
      }),
    },
    [`${chassis}/Thermal`]: {
      get: () => ({
        '@odata.id': `${chassis}/Thermal`,
        '@odata.type': '#Thermal.v1_7_0.Thermal',
        Id: 'Thermal',
        Name: 'Thermal',
        Temperatures: [
          temperature(chassis, 0, 'CPU Temp', machine.isOn() ? 48 : 22, 90),
          temperature(chassis, 1, 'Inlet Temp', 21, 42),
        ],
        Fans: [0, 1].map((index) => ({
          '@odata.id': `${chassis}/Thermal#/Fans/${index}`,
          MemberId: String(index),
          Name: `Fan ${index + 1}`,
          Reading: machine.isOn() ? 5400 + 120 * index : 0,
          ReadingUnits: 'RPM',
          LowerThresholdCritical: 480,
          Status: { State: machine.isOn() ? 'Enabled' : 'StandbyOffline', Health: 'OK' },
        })),
      }),
    },
    [`${chassis}/Power`]: {
      get: () => ({
        '@odata.id': `${chassis}/Power`,
        '@odata.type': '#Power.v1_7_0.Power',
        Id: 'Power',
        Name: 'Power',
        PowerControl: [
          {
            '@odata.id': `${chassis}/Power#/PowerControl/0`,
            MemberId: '0',
            Name: 'System Power Control',
            PowerConsumedWatts: machine.isOn() ? 180 : 12,
            Status: status,
          },
        ],
        PowerSupplies: [0, 1].map((index) => ({
          '@odata.id': `${chassis}/Power#/PowerSupplies/${index}`,
          MemberId: String(index),
          Name: `PSU ${index + 1}`,
          PowerSupplyType: 'AC',
          LineInputVoltage: 230,
          PowerCapacityWatts: 750,
          LastPowerOutputWatts: machine.isOn() ? 90 : 6,
          SerialNumber: `PSU-${machine.name}-${index}`,
          Status: status,
        })),
      }),
    },
  };
}

function temperature(chassis: string, index: number, name: string, reading: number, critical: number): Body {
  return {
    '@odata.id': `${chassis}/Thermal#/Temperatures/${index}`,
    MemberId: String(index),
    Name: name,
    SensorNumber: index + 1,
    ReadingCelsius: reading,
    UpperThresholdCritical: critical,
    UpperThresholdFatal: critical + 10,
    PhysicalContext: 'SystemBoard',
    Status: { State: 'Enabled', Health: 'OK' },
  };
}

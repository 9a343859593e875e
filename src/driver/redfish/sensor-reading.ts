import type { Json } from '../../domain/json.js';
import { linkOf, numberOf, partsOf, textOf } from '../../protocol/redfish/resource.js';
import {
  readDrives,
  readFans,
  readSupplies,
  readTemperatures,
  type SensorReadings,
} from '../../protocol/redfish/sensors.js';
import type { RedfishMachine } from './machine.js';

/** Readings of the system's drives and of its first chassis, as in Ironic; missing values are omitted. */
export async function readSensors(
  machine: RedfishMachine,
): Promise<SensorReadings & { Extra: Record<string, Json> }> {
  const { resource: system } = await machine.system();
  const id = textOf(system, 'Id') ?? '';
  const readings: SensorReadings = { Fan: {}, Temperature: {}, Power: {}, Drive: {} };
  const [chassis] = await machine.chassis(system);
  if (chassis) {
    const name = textOf(chassis, 'Id') ?? '';
    const thermal = await machine.find(linkOf(chassis, 'Thermal'));
    if (thermal) {
      readings.Fan = readFans(thermal, name);
      readings.Temperature = readTemperatures(thermal, name);
    }
    const power = await machine.find(linkOf(chassis, 'Power'));
    if (power) readings.Power = readSupplies(power, name);
  }
  for (const storage of await machine.members(linkOf(system, 'SimpleStorage'))) {
    const devices = partsOf(storage, 'Devices').filter(
      (device) => numberOf(device, 'CapacityBytes') !== undefined,
    );
    Object.assign(readings.Drive, readDrives(devices, textOf(storage, 'Id') ?? '', id));
  }
  if (Object.keys(readings.Drive).length === 0) {
    for (const storage of await machine.members(linkOf(system, 'Storage'))) {
      const drives = await machine.linked(storage, 'Drives');
      Object.assign(readings.Drive, readDrives(drives, textOf(storage, 'Id') ?? '', id));
    }
  }
  const extra = Object.fromEntries(
    ['Manufacturer', 'Model', 'UUID'].map((name) => [name, textOf(system, name) ?? null]),
  );
  return { ...readings, Extra: extra };
}

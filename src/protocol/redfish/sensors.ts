import { healthOf, numberOf, partOf, partsOf, type Resource, textOf } from './resource.js';

/** A reading as Ironic publishes it: Redfish's field names in snake case (doc: admin/drivers/redfish/metrics.rst). */
export type SensorReading = { [field: string]: string | number | null };
/** Key, such as `identity@chassis`, to a reading. */
export type SensorTable = Record<string, SensorReading>;

/** By Ironic's kinds. */
export interface SensorReadings {
  Fan: SensorTable;
  Temperature: SensorTable;
  Power: SensorTable;
  Drive: SensorTable;
}

const FAN = {
  MaxReadingRange: 'max_reading_range',
  MinReadingRange: 'min_reading_range',
  Reading: 'reading',
  ReadingUnits: 'reading_units',
  SerialNumber: 'serial_number',
  PhysicalContext: 'physical_context',
} as const;

const TEMPERATURE = {
  MaxReadingRangeTemp: 'max_reading_range_temp',
  MinReadingRangeTemp: 'min_reading_range_temp',
  ReadingCelsius: 'reading_celsius',
  PhysicalContext: 'physical_context',
  SensorNumber: 'sensor_number',
  UpperThresholdNonCritical: 'upper_threshold_non_critical',
  UpperThresholdCritical: 'upper_threshold_critical',
  UpperThresholdFatal: 'upper_threshold_fatal',
  LowerThresholdNonCritical: 'lower_threshold_non_critical',
  LowerThresholdCritical: 'lower_threshold_critical',
  LowerThresholdFatal: 'lower_threshold_fatal',
} as const;

const SUPPLY = {
  PowerCapacityWatts: 'power_capacity_watts',
  LineInputVoltage: 'line_input_voltage',
  LineInputVoltageType: 'line_input_voltage_type',
  LastPowerOutputWatts: 'last_power_output_watts',
  SerialNumber: 'serial_number',
} as const;

const DRIVE = {
  Name: 'name',
  Model: 'model',
  CapacityBytes: 'capacity_bytes',
  SerialNumber: 'serial_number',
} as const;

/** Fans of a Thermal resource. @param chassis the chassis' Id */
export function readFans(thermal: Resource, chassis: string): SensorTable {
  return readings(partsOf(thermal, 'Fans'), FAN, (fan, at) => {
    const identity = textOf(fan, 'MemberId') ?? textOf(fan, 'FanName') ?? textOf(fan, 'Name') ?? String(at);
    return [`${identity}@${chassis}`, { identity }];
  });
}

export function readTemperatures(thermal: Resource, chassis: string): SensorTable {
  return readings(partsOf(thermal, 'Temperatures'), TEMPERATURE, (one, at) => {
    const identity = textOf(one, 'MemberId') ?? textOf(one, 'Name') ?? String(at);
    return [`${identity}@${chassis}`, { identity }];
  });
}

/** Power supplies of a Power resource. */
export function readSupplies(power: Resource, chassis: string): SensorTable {
  const id = textOf(power, 'Id') ?? 'Power';
  return readings(partsOf(power, 'PowerSupplies'), SUPPLY, (supply, at) => {
    const identity = textOf(supply, 'MemberId') ?? String(at);
    return [`${identity}:${id}@${chassis}`, {}];
  });
}

/** Drives of SimpleStorage (devices without a capacity are empty bays) or of Storage. */
export function readDrives(drives: readonly Resource[], storage: string, system: string): SensorTable {
  return readings(drives, DRIVE, (drive, at) => {
    const name = textOf(drive, 'Name') ?? textOf(drive, 'Id') ?? String(at);
    return [`${name}:${storage}@${system}`, {}];
  });
}

function readings(
  parts: readonly Resource[],
  fields: Readonly<Record<string, string>>,
  keyOf: (part: Resource, at: number) => [string, SensorReading],
): SensorTable {
  const table: SensorTable = Object.create(null) as SensorTable;
  parts.forEach((part, at) => {
    const [key, more] = keyOf(part, at);
    const reading: SensorReading = { ...more };
    for (const [name, shown] of Object.entries(fields))
      reading[shown] = numberOf(part, name) ?? textOf(part, name) ?? null;
    const health = healthOf(part);
    // A part with a health is present, whatever else is missing.
    reading['state'] = textOf(partOf(part, 'Status'), 'State') ?? (health === undefined ? null : 'Enabled');
    reading['health'] = health ?? null;
    table[key] = reading;
  });
  return table;
}

import { describe, expect, it } from 'vitest';
import {
  readDrives,
  readFans,
  readSupplies,
  readTemperatures,
} from '../../../../src/protocol/redfish/sensors.js';

describe('readings', () => {
  it('have Ironic’s keys and fields', () => {
    const fan = {
      MemberId: '0',
      Name: 'CPU Fan',
      Reading: 2100,
      ReadingUnits: 'RPM',
      MaxReadingRange: 10_000,
      Status: { State: 'Enabled', Health: 'OK' },
    };
    expect(readFans({ Fans: [fan] }, 'Chassis1')).toEqual({
      '0@Chassis1': {
        identity: '0',
        reading: 2100,
        reading_units: 'RPM',
        max_reading_range: 10_000,
        min_reading_range: null,
        serial_number: null,
        physical_context: null,
        state: 'Enabled',
        health: 'OK',
      },
    });
    const warm = readTemperatures(
      { Temperatures: [{ MemberId: '1', ReadingCelsius: 41, UpperThresholdCritical: 90, SensorNumber: 42 }] },
      'C',
    );
    expect(warm['1@C']).toMatchObject({
      reading_celsius: 41,
      upper_threshold_critical: 90,
      sensor_number: 42,
      state: null,
    });
    const supply = readSupplies(
      { Id: 'Power', PowerSupplies: [{ MemberId: '0', LastPowerOutputWatts: 300, LineInputVoltage: 230 }] },
      'C',
    );
    expect(supply['0:Power@C']).toMatchObject({ last_power_output_watts: 300, line_input_voltage: 230 });
    const drive = readDrives([{ Name: 'SATA Bay 1', Model: 'X', CapacityBytes: 5 }], '1', 'S');
    expect(drive['SATA Bay 1:1@S']).toMatchObject({ name: 'SATA Bay 1', model: 'X', capacity_bytes: 5 });
  });

  it('say Enabled of a part that has a health and no state', () => {
    expect(
      readFans({ Fans: [{ MemberId: '0', Status: { Health: 'Warning', State: null } }] }, 'C')['0@C'],
    ).toMatchObject({
      state: 'Enabled',
      health: 'Warning',
    });
  });

  it('come of anything', () => {
    expect(readFans({ Fans: null }, 'C')).toEqual({});
    expect(Object.keys(readFans({ Fans: [null, {}, { Reading: null, Status: null }] }, 'C'))).toEqual([
      '0@C',
      '1@C',
    ]);
  });
});

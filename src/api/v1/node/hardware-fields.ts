import type { BiosSettingRow, FirmwareComponentRow } from '../../../persistence/hardware/hardware.entity.js';
import { type Field, timestamp } from '../../resource/field.js';
import { linksTo } from '../../resource/links.js';

const times = <Row extends { created_at: Date; updated_at: Date | null }>(since: number): Field<Row>[] => [
  { name: 'created_at', since, columns: [], always: true, read: (row) => timestamp(row.created_at) },
  { name: 'updated_at', since, columns: [], always: true, read: (row) => timestamp(row.updated_at) },
];

const bios = (
  name: keyof BiosSettingRow & string,
  since: number,
  more: Partial<Field<BiosSettingRow>> = {},
): Field<BiosSettingRow> => ({ name, since, columns: [name], read: (row) => row[name], ...more });

/** The fields of a BIOS setting. Source: ironic/api/controllers/v1/bios.py. */
export const BIOS_FIELDS: readonly Field<BiosSettingRow>[] = [
  ...times<BiosSettingRow>(40),
  bios('name', 40, { brief: true }),
  bios('value', 40, { brief: true }),
  bios('attribute_type', 74),
  bios('allowable_values', 74, { read: (row) => row.allowable_values ?? [] }),
  bios('lower_bound', 74),
  bios('max_length', 74),
  bios('min_length', 74),
  bios('read_only', 74),
  bios('reset_required', 74),
  bios('unique', 74),
  bios('upper_bound', 74),
  {
    name: 'links',
    since: 40,
    columns: [],
    always: true,
    read: (row, { base }) => linksTo(base, `nodes/${row.node_uuid}/bios/${row.name}`),
  },
];

const firmware = (name: keyof FirmwareComponentRow & string, since: number): Field<FirmwareComponentRow> => ({
  name,
  since,
  columns: [name],
  brief: true,
  read: (row) => row[name],
});

/** The fields of a firmware component. Source: ironic/api/controllers/v1/firmware.py. */
export const FIRMWARE_FIELDS: readonly Field<FirmwareComponentRow>[] = [
  ...times<FirmwareComponentRow>(86),
  firmware('component', 86),
  firmware('initial_version', 86),
  firmware('current_version', 86),
  firmware('last_version_flashed', 86),
  firmware('vendor', 114),
  firmware('model', 114),
  firmware('serial_number', 114),
];

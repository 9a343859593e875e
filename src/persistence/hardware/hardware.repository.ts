import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { SealedPlace } from '../../database/sealing.js';
import type { BiosSetting, FirmwareComponent } from '../../domain/hardware/component.js';
import type { JsonObject } from '../../domain/json.js';
import type {
  BiosSettingRow,
  FirmwareComponentRow,
  InspectionReportRow,
  InventoryRow,
} from './hardware.entity.js';

/** Data about machines' hardware: BIOS settings, firmware, inventory. */
export class HardwareRepository {
  constructor(private readonly source: DataSource) {}

  biosSettings(node_uuid: string): Promise<BiosSettingRow[]> {
    return this.source.query(`select * from bios_setting where node_uuid = $1 order by name`, [node_uuid]);
  }

  async biosSetting(node_uuid: string, name: string): Promise<BiosSettingRow | null> {
    const [row] = await this.source.query<BiosSettingRow[]>(
      `select * from bios_setting where node_uuid = $1 and name = $2`,
      [node_uuid, name],
    );
    return row ?? null;
  }

  /** Replaces the node's settings: others are deleted, and an unchanged one keeps its times. */
  async replaceBiosSettings(
    node_uuid: string,
    settings: readonly BiosSetting[],
    on: Queryable,
  ): Promise<void> {
    const names = settings.map(({ name }) => name);
    await on.query(`delete from bios_setting where node_uuid = $1 and name <> all($2)`, [node_uuid, names]);
    await on.query(
      `insert into bios_setting (node_uuid, name, value, attribute_type, allowable_values, lower_bound, upper_bound,
              min_length, max_length, read_only, reset_required, "unique")
       select $1, name, value, attribute_type, allowable_values, lower_bound, upper_bound, min_length, max_length,
              read_only, reset_required, "unique"
         from jsonb_populate_recordset(null::bios_setting, $2::jsonb)
           on conflict (node_uuid, name) do update set value = excluded.value, updated_at = now(),
              attribute_type = coalesce(excluded.attribute_type, bios_setting.attribute_type),
              allowable_values = coalesce(excluded.allowable_values, bios_setting.allowable_values)
        where bios_setting.value is distinct from excluded.value`,
      [node_uuid, JSON.stringify(settings)],
    );
  }

  firmware(node_uuid: string): Promise<FirmwareComponentRow[]> {
    return this.source.query(`select * from firmware_component where node_uuid = $1 order by component`, [
      node_uuid,
    ]);
  }

  /** Upserts components; the first version reported is the component's initial one. */
  async noteFirmware(
    node_uuid: string,
    components: readonly FirmwareComponent[],
    on: Queryable,
  ): Promise<void> {
    await on.query(
      `insert into firmware_component (node_uuid, component, initial_version, current_version, last_version_flashed,
              vendor, model, serial_number)
       select $1, component, current_version, current_version, last_version_flashed, vendor, model, serial_number
         from jsonb_populate_recordset(null::firmware_component, $2::jsonb)
           on conflict (node_uuid, component) do update set current_version = excluded.current_version,
              last_version_flashed = coalesce(excluded.last_version_flashed, firmware_component.last_version_flashed),
              vendor = coalesce(excluded.vendor, firmware_component.vendor),
              model = coalesce(excluded.model, firmware_component.model),
              serial_number = coalesce(excluded.serial_number, firmware_component.serial_number),
              updated_at = now()`,
      [node_uuid, JSON.stringify(components)],
    );
  }

  async inventory(node_uuid: string): Promise<Pick<InventoryRow, 'inventory' | 'plugin_data'> | null> {
    const [row] = await this.source.query<InventoryRow[]>(
      `select inventory, plugin_data from node_inventory where node_uuid = $1`,
      [node_uuid],
    );
    return row ?? null;
  }

  async replaceInventory(
    node_uuid: string,
    found: { inventory: JsonObject; plugin_data: JsonObject },
    on: Queryable,
  ): Promise<void> {
    await on.query(
      `insert into node_inventory (node_uuid, inventory, plugin_data) values ($1, $2::jsonb, $3::jsonb)
           on conflict (node_uuid) do update set inventory = excluded.inventory, plugin_data = excluded.plugin_data,
              created_at = now()`,
      [node_uuid, JSON.stringify(found.inventory), JSON.stringify(found.plugin_data)],
    );
  }

  /** @param sealed by NodeRepository.sealText for `reportPlace`; replaces an earlier report */
  async saveReport(node_uuid: string, sealed: string, on: Queryable): Promise<void> {
    await on.query(
      `insert into inspection_report (node_uuid, report_sealed) values ($1, $2)
           on conflict (node_uuid) do update set report_sealed = excluded.report_sealed, created_at = now()`,
      [node_uuid, sealed],
    );
  }

  async report(node_uuid: string): Promise<string | null> {
    const [row] = await this.source.query<InspectionReportRow[]>(
      `select report_sealed from inspection_report where node_uuid = $1`,
      [node_uuid],
    );
    return row?.report_sealed ?? null;
  }

  async deleteReport(node_uuid: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(`delete from inspection_report where node_uuid = $1`, [node_uuid]);
  }
}

/** The sealed place of a ramdisk's report until it is read. */
export function reportPlace(node_uuid: string): SealedPlace {
  return { table: 'inspection_report', column: 'report_sealed', row: node_uuid };
}

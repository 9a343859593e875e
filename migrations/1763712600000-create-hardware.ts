import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is known of machines' insides; and operations of a third sort, actions that stand beside a workflow. */
export class CreateHardware1763712600000 implements MigrationInterface {
  name = 'CreateHardware1763712600000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table bios_setting (
        node_uuid uuid not null,
        name varchar(255) not null,
        value text,
        attribute_type text,
        allowable_values jsonb,
        lower_bound integer,
        upper_bound integer,
        min_length integer,
        max_length integer,
        read_only boolean,
        reset_required boolean,
        "unique" boolean,
        created_at timestamptz not null default now(),
        updated_at timestamptz,
        constraint bios_setting_pkey primary key (node_uuid, name),
        constraint bios_setting_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade
      )`);
    await runner.query(`
      create table firmware_component (
        node_uuid uuid not null,
        component varchar(255) not null,
        initial_version text not null,
        current_version text,
        last_version_flashed text,
        vendor text,
        model text,
        serial_number text,
        created_at timestamptz not null default now(),
        updated_at timestamptz,
        constraint firmware_component_pkey primary key (node_uuid, component),
        constraint firmware_component_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade
      )`);
    await runner.query(`
      create table node_inventory (
        node_uuid uuid not null,
        inventory jsonb not null,
        plugin_data jsonb not null default '{}',
        created_at timestamptz not null default now(),
        constraint node_inventory_pkey primary key (node_uuid),
        constraint node_inventory_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade
      )`);
    await runner.query(`drop index operation_open_key`);
    await runner.query(
      `create unique index operation_open_key on operation (node_uuid) where finished_at is null and kind not in ('power', 'action')`,
    );
    await runner.query(
      `create unique index operation_action_key on operation (node_uuid) where finished_at is null and kind = 'action'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index operation_action_key`);
    await runner.query(`delete from operation where kind = 'action'`);
    await runner.query(`drop index operation_open_key`);
    await runner.query(
      `create unique index operation_open_key on operation (node_uuid) where finished_at is null and kind <> 'power'`,
    );
    await runner.query(`drop table node_inventory`);
    await runner.query(`drop table firmware_component`);
    await runner.query(`drop table bios_setting`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What machines boot (boot plans) and the addresses that DHCP gave them (leases). */
export class CreateNetboot1763683320000 implements MigrationInterface {
  name = 'CreateNetboot1763683320000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table boot_plan (
        node_uuid uuid not null,
        kind varchar(8) not null,
        boot_mode varchar(8) not null,
        created_at timestamptz not null default now(),
        constraint boot_plan_pkey primary key (node_uuid),
        constraint boot_plan_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade
      )`);
    await runner.query(`
      create table boot_plan_mac (
        mac varchar(64) not null,
        node_uuid uuid not null,
        constraint boot_plan_mac_pkey primary key (mac),
        constraint boot_plan_mac_node_uuid_fkey foreign key (node_uuid)
          references boot_plan (node_uuid) on delete cascade
      )`);
    await runner.query(`create index boot_plan_mac_node_uuid_idx on boot_plan_mac (node_uuid)`);
    await runner.query(`
      create table boot_plan_file (
        service varchar(8) not null,
        name text not null,
        node_uuid uuid not null,
        path text not null,
        constraint boot_plan_file_pkey primary key (service, name),
        constraint boot_plan_file_node_uuid_fkey foreign key (node_uuid)
          references boot_plan (node_uuid) on delete cascade
      )`);
    await runner.query(`create index boot_plan_file_node_uuid_idx on boot_plan_file (node_uuid)`);
    await runner.query(`
      create table lease (
        ip inet not null,
        mac varchar(17),
        node_uuid uuid,
        port_uuid uuid,
        state varchar(16) not null,
        expires_at timestamptz not null,
        arch varchar(16),
        vendor_class varchar(255),
        hostname varchar(255),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        constraint lease_pkey primary key (ip),
        constraint lease_mac_key unique (mac)
      )`);
    await runner.query(`create index lease_expires_at_idx on lease (expires_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table lease`);
    await runner.query(`drop table boot_plan_file`);
    await runner.query(`drop table boot_plan_mac`);
    await runner.query(`drop table boot_plan`);
  }
}

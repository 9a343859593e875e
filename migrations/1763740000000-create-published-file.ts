import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the boot servers publish gets a table of its own, beside the boot plans of DHCP. An instance image, which was a
 * file of the boot plan, now lives with the operation that deploys it; plans that were made for it alone are gone.
 */
export class CreatePublishedFile1763740000000 implements MigrationInterface {
  name = 'CreatePublishedFile1763740000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table published_file (
        service varchar(8) not null,
        name text not null,
        node_uuid uuid not null,
        publisher varchar(16) not null,
        operation_uuid uuid,
        expires_at timestamptz,
        conductor varchar(255) not null,
        for_machine boolean not null default true,
        for_addresses jsonb not null default '[]',
        kind varchar(16) not null,
        path text,
        segments jsonb,
        size bigint,
        created_at timestamptz not null default now(),
        constraint published_file_pkey primary key (service, name),
        constraint published_file_node_uuid_fkey foreign key (node_uuid) references node (uuid) on delete cascade,
        constraint published_file_content_check check (
          case kind when 'file' then path is not null and segments is null and size is null
            else path is null and segments is not null and size is not null end)
      )`);
    await runner.query(`create index published_file_node_uuid_idx on published_file (node_uuid, publisher)`);
    await runner.query(`create index published_file_operation_uuid_idx on published_file (operation_uuid)`);
    // The name of an image ends in its node and 32 characters that nobody guesses. The operation of one without an open
    // operation is over: so is the image's life, and the first sweep takes it away with its file.
    await runner.query(`
      insert into published_file (service, name, node_uuid, publisher, operation_uuid, conductor, kind, path, created_at)
      select service, name, node_uuid, case when image then 'image' else 'boot' end,
             case when image then coalesce(
               (select uuid from operation o where o.node_uuid = old.node_uuid and o.finished_at is null
                  and o.kind not in ('power', 'action')),
               '00000000-0000-0000-0000-000000000000') end,
             coalesce((select conductor_affinity from node where uuid = old.node_uuid), ''), 'file', path, created_at
        from (select file.*, plan.created_at,
                     service = 'http' and file.name ~ ('/' || file.node_uuid || '/[A-Za-z0-9_-]{32}$') as image
                from boot_plan_file file join boot_plan plan using (node_uuid)) old`);
    await runner.query(`drop table boot_plan_file`);
    await runner.query(`
      delete from boot_plan where not exists (
        select from boot_plan_mac where boot_plan_mac.node_uuid = boot_plan.node_uuid)`);
  }

  async down(runner: QueryRunner): Promise<void> {
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
      insert into boot_plan (node_uuid, kind, boot_mode)
      select distinct node_uuid, 'ipxe', 'bios' from published_file where kind = 'file'
      on conflict (node_uuid) do nothing`);
    await runner.query(`
      insert into boot_plan_file (service, name, node_uuid, path)
      select service, name, node_uuid, path from published_file where kind = 'file'`);
    await runner.query(`drop table published_file`);
  }
}

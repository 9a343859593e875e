import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { bootName } from '../../domain/boot-name.js';
import { InvalidError } from '../../domain/errors.js';

export type BootService = 'tftp' | 'http';

export interface PublishedFile {
  service: BootService;
  /** Exact, no leading slash. */
  name: string;
  /** Absolute path of a regular file; it is opened when it is asked for, and never through a symbolic link. */
  path: string;
}

export interface BootPlan {
  node_uuid: string;
  /** MAC addresses that boot by it. */
  macs: string[];
  kind: 'ipxe' | 'pxe';
  boot_mode: 'bios' | 'uefi';
  files: PublishedFile[];
}

type Header = Pick<BootPlan, 'node_uuid' | 'kind' | 'boot_mode'>;

/** Every query on boot plans: the boot interfaces write them, the netboot servers read them. */
export class BootPlanRepository {
  constructor(private readonly source: DataSource) {}

  /**
   * Sets a node's plan, all of it at once. MAC addresses and names that an older plan of another node still holds
   * pass to this one.
   * @throws InvalidError for a name or path that could not be published
   */
  async put(plan: BootPlan): Promise<void> {
    for (const file of plan.files) check(file);
    const names = plan.files.map((file) => `${file.service} ${file.name}`);
    if (new Set(names).size !== names.length) throw new InvalidError('A boot plan publishes one name twice');
    const macs = plan.macs.map((mac) => mac.toLowerCase());
    await inTransaction(this.source, async (on) => {
      // Two plans that trade names would wait for each other's rows: plans are few, one writer at a time.
      await on.query(`select pg_advisory_xact_lock(hashtext('boot_plan'))`);
      await this.remove(plan.node_uuid, on);
      await on.query(`insert into boot_plan (node_uuid, kind, boot_mode) values ($1, $2, $3)`, [
        plan.node_uuid,
        plan.kind,
        plan.boot_mode,
      ]);
      await on.query(
        `insert into boot_plan_mac (mac, node_uuid) select unnest($2::text[]), $1
         on conflict (mac) do update set node_uuid = excluded.node_uuid`,
        [plan.node_uuid, [...new Set(macs)]],
      );
      await on.query(
        `insert into boot_plan_file (service, name, path, node_uuid)
         select service, name, path, $1 from unnest($2::text[], $3::text[], $4::text[]) as t (service, name, path)
         on conflict (service, name) do update set node_uuid = excluded.node_uuid, path = excluded.path`,
        [
          plan.node_uuid,
          plan.files.map((file) => file.service),
          plan.files.map((file) => file.name),
          plan.files.map((file) => file.path),
        ],
      );
    });
  }

  /** The node boots from its disk again, and nothing of it is published any more. */
  async remove(node_uuid: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(`delete from boot_plan where node_uuid = $1`, [node_uuid]);
  }

  async byNode(node_uuid: string): Promise<BootPlan | null> {
    return this.#whole(
      await this.source.query<Header[]>(
        `select node_uuid, kind, boot_mode from boot_plan where node_uuid = $1`,
        [node_uuid],
      ),
    );
  }

  async byMac(mac: string): Promise<BootPlan | null> {
    return this.#whole(
      await this.source.query<Header[]>(
        `select node_uuid, kind, boot_mode from boot_plan join boot_plan_mac using (node_uuid) where mac = $1`,
        [mac.toLowerCase()],
      ),
    );
  }

  /** Only what DHCP needs, in one query. */
  async kindOf(mac: string): Promise<Header | null> {
    const [row] = await this.source.query<Header[]>(
      `select node_uuid, kind, boot_mode from boot_plan join boot_plan_mac using (node_uuid) where mac = $1`,
      [mac],
    );
    return row ?? null;
  }

  /** The published file of this exact name. */
  async file(service: BootService, name: string): Promise<(PublishedFile & { node_uuid: string }) | null> {
    const [row] = await this.source.query<(PublishedFile & { node_uuid: string })[]>(
      `select service, name, path, node_uuid from boot_plan_file where service = $1 and name = $2`,
      [service, name],
    );
    return row ?? null;
  }

  async #whole([header]: Header[]): Promise<BootPlan | null> {
    if (!header) return null;
    const macs = await this.source.query<{ mac: string }[]>(
      `select mac from boot_plan_mac where node_uuid = $1 order by mac`,
      [header.node_uuid],
    );
    const files = await this.source.query<PublishedFile[]>(
      `select service, name, path from boot_plan_file where node_uuid = $1 order by service, name`,
      [header.node_uuid],
    );
    return { ...header, macs: macs.map((row) => row.mac), files };
  }
}

function check({ name, path }: PublishedFile): void {
  if (bootName(name) !== name) {
    throw new InvalidError(`Not a name to publish a boot file under: ${JSON.stringify(name)}`);
  }
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new InvalidError(`Not an absolute path of a boot file: ${JSON.stringify(path)}`);
  }
}

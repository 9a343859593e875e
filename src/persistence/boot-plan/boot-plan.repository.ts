import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';

/** The boot loader that DHCP names to the machine with these MAC addresses. */
export interface BootPlan {
  node_uuid: string;
  /** MAC addresses that boot by this plan. */
  macs: string[];
  kind: 'ipxe' | 'pxe';
  boot_mode: 'bios' | 'uefi';
}

type Header = Pick<BootPlan, 'node_uuid' | 'kind' | 'boot_mode'>;

/** Every query on boot plans: the boot interfaces write them, DHCP reads them. */
export class BootPlanRepository {
  constructor(private readonly source: DataSource) {}

  /** Replaces a node's plan as a whole. MAC addresses move here from another node's older plan. */
  async put(plan: BootPlan): Promise<void> {
    const macs = plan.macs.map((mac) => mac.toLowerCase());
    await inTransaction(this.source, async (on) => {
      // Two plans that exchange addresses would deadlock on their rows; plans are few, so one writer at a time.
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
    });
  }

  /** Deletes the plan: the node boots from its disk again. */
  async remove(node_uuid: string, on: Queryable = this.source.manager): Promise<void> {
    await on.query(`delete from boot_plan where node_uuid = $1`, [node_uuid]);
  }

  async byNode(node_uuid: string): Promise<BootPlan | null> {
    const [row] = await this.source.query<BootPlan[]>(
      `select node_uuid, kind, boot_mode, array(
         select mac from boot_plan_mac m where m.node_uuid = boot_plan.node_uuid order by mac) as macs
       from boot_plan where node_uuid = $1`,
      [node_uuid],
    );
    return row ?? null;
  }

  /** The plan of the machine with this MAC address. @param mac lower case with colons */
  async kindOf(mac: string): Promise<Header | null> {
    const [row] = await this.source.query<Header[]>(
      `select node_uuid, kind, boot_mode from boot_plan join boot_plan_mac using (node_uuid) where mac = $1`,
      [mac],
    );
    return row ?? null;
  }
}

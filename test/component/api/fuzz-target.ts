import type { ApiClient } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';

const uuid = (number: number) => `f0220000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const NODE = uuid(1);
const STEP = { interface: 'bios', step: 'factory_reset', args: { password: 'canary' } };

/** One record of each kind. In the order in which they can be made. */
const RECORDS: readonly [collection: string, record: { uuid: string; [key: string]: unknown }][] = [
  [
    'nodes',
    {
      uuid: NODE,
      driver: 'fake-hardware',
      driver_info: { fake_password: 'canary' },
      instance_info: { image_url: 'http://u:canary@x/' },
    },
  ],
  ['ports', { uuid: uuid(2), node_uuid: NODE, address: '52:54:00:12:34:56' }],
  ['portgroups', { uuid: uuid(3), node_uuid: NODE }],
  ['chassis', { uuid: uuid(4) }],
  ['deploy_templates', { uuid: uuid(6), name: 'CUSTOM_FUZZ', steps: [{ ...STEP, priority: 1 }] }],
  ['runbooks', { uuid: uuid(7), name: 'CUSTOM_FUZZ', steps: [{ ...STEP, order: 1 }] }],
  [
    'inspection_rules',
    { uuid: uuid(8), actions: [{ op: 'set-attribute', args: { path: '/extra/a', value: 'b' } }] },
  ],
  ['volume/connectors', { uuid: uuid(9), node_uuid: NODE, type: 'iqn', connector_id: 'iqn.2026-11.fuzz:1' }],
  [
    'volume/targets',
    {
      uuid: uuid(10),
      node_uuid: NODE,
      volume_type: 'iscsi',
      boot_index: 0,
      volume_id: 'v',
      properties: { auth_password: 'canary' },
    },
  ],
];

const TABLES = [
  'node',
  'port',
  'portgroup',
  'chassis',
  'allocation',
  'deploy_template',
  'runbook',
  'inspection_rule',
  'volume_connector',
  'volume_target',
];

/** What a node comes to by itself, or by what was accepted before. */
const RESTLESS = [
  'reservation',
  'reservation_epoch',
  'reservation_expires_at',
  'conductor_affinity',
  'updated_at',
  'power_state',
  'target_power_state',
  'provision_state',
  'target_provision_state',
  'provision_updated_at',
  'driver_internal_info',
  'driver_internal_info_sealed',
  'last_error',
  'clean_step',
  'deploy_step',
  'service_step',
  'fault',
  'console_enabled',
  'boot_mode',
  'secure_boot',
  'health',
  'raid_config',
  'instance_info',
  'instance_info_sealed',
  'inspection_started_at',
  'inspection_finished_at',
];

/** The records that requests are about. */
export class Furniture {
  constructor(
    private readonly api: ApiClient,
    private readonly database: TestDatabase,
  ) {}

  /** Makes those that are gone. */
  async renew(): Promise<void> {
    const known = await this.print();
    await this.#make(RECORDS.filter(([, { uuid: own }]) => !known.includes(`"uuid":"${own}"`)));
  }

  async #make(records: typeof RECORDS): Promise<void> {
    for (const [collection, record] of records) {
      const { status, fault } = await this.api.post(`/v1/${collection}`, record);
      if (status !== 201 && status !== 409) throw new Error(`${collection}: ${status} ${fault}`);
    }
  }

  /** The path with a record in the place of its name. */
  filled(path: string): string {
    const kind = RECORDS.find(([collection]) => path.startsWith(`/v1/${collection}/`));
    const names: Record<string, string> = {
      name: 'fake-hardware',
      hostname: 'conductor-1',
      trait: 'CUSTOM_GOLD',
      method: 'third_method_sync',
      setting: 'virtualization',
      component: 'chassis',
    };
    return path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === 'ident' ? (kind?.[1].uuid ?? uuid(99)) : (names[name] ?? uuid(98)),
    );
  }

  /** Everything that is kept, but for what changes by itself. */
  async print(): Promise<string> {
    const rows = TABLES.map((table) => `select to_jsonb(t) - $1::text[] as row from ${table} t`);
    const sql = `select jsonb_agg(row order by row ->> 'uuid')::text as all from (${rows.join(' union all ')}) rows`;
    const [found] = await this.database.source.query<{ all: string | null }[]>(sql, [RESTLESS]);
    // As JSON.stringify writes it.
    return (found!.all ?? '').replaceAll('": "', '":"');
  }
}

import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALL_BOUND, bindSealed, holdsSealed } from '../../../src/database/bind-sealed.js';
import { Keyring } from '../../../src/database/sealing.js';
import { CONDUCTOR } from '../../../src/domain/actor.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { PlannedStep } from '../../../src/domain/step/step.js';
import { DeployTemplateRepository } from '../../../src/persistence/deploy-template/deploy-template.repository.js';
import { HardwareRepository, reportPlace } from '../../../src/persistence/hardware/hardware.repository.js';
import { InspectionRuleRepository } from '../../../src/persistence/inspection-rule/inspection-rule.repository.js';
import { NodeRepository } from '../../../src/persistence/node/node.repository.js';
import { OperationRepository, stepPlace } from '../../../src/persistence/operation/operation.repository.js';
import { PublishedFileRepository } from '../../../src/persistence/published-file/published-file.repository.js';
import { RunbookRepository } from '../../../src/persistence/runbook/runbook.repository.js';
import { SEALED_COLUMNS } from '../../../src/persistence/sealed-columns.js';
import { VolumeTargetRepository } from '../../../src/persistence/volume/volume.repository.js';
import { createLogger } from '../../../src/platform/logger.js';
import { startTestDatabase, type TestDatabase } from '../../support/database.js';
import { sealUnbound } from '../../support/seal-unbound.js';

const KEY = { id: 1, key: Buffer.alloc(32, 7) };
const ring = new Keyring([KEY]);

let database: TestDatabase;
let directory: string;
let allBound: string;
beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  await database.clear();
  directory = mkdtempSync(join(tmpdir(), 'ferric-bound-'));
  allBound = join(directory, ALL_BOUND);
  return () => rmSync(directory, { recursive: true });
});
afterAll(() => database.stop());

/** What does not open is an error line each. */
const bind = (keyring = ring, log = createLogger('fatal')) =>
  bindSealed(database.source, keyring, SEALED_COLUMNS, { allBound, log });

/** As a client may write it. */
const capitals = () => randomUUID().toUpperCase();

/** One row of every kind that has secrets. @returns what reads each secret, by table and column */
async function furnish(secret: string, keyring = ring): Promise<Record<string, () => Promise<string>>> {
  const { source } = database;
  const nodes = new NodeRepository(source, keyring);
  const operations = new OperationRepository(source, keyring);
  const hardware = new HardwareRepository(source);
  const templates = new DeployTemplateRepository(source, keyring);
  const runbooks = new RunbookRepository(source, keyring);
  const rules = new InspectionRuleRepository(source, keyring);
  const targets = new VolumeTargetRepository(source, keyring);
  const uuid = randomUUID();
  const hidden = { password: secret };
  const name = `CUSTOM_${secret}`;
  const info = { driver_info: hidden, driver_internal_info: hidden, instance_info: hidden };
  await nodes.create({
    uuid: uuid.toUpperCase(),
    driver: 'fake-hardware',
    provision_state: 'enroll',
    ...info,
  });
  const steps = [{ interface: 'deploy' as const, step: 'x', args: hidden, priority: 1, order: 1 }];
  const template = await templates.create({ uuid: capitals(), name, steps });
  const runbook = await runbooks.create({ uuid: capitals(), name, steps });
  const rule = await rules.create({
    uuid: capitals(),
    sensitive: true,
    conditions: [],
    actions: [{ op: 'fail', args: { msg: secret } }],
  });
  const target = await targets.create({
    uuid: capitals(),
    node_uuid: uuid,
    volume_type: 'iscsi',
    volume_id: '1',
    boot_index: 0,
    properties: hidden,
  });
  const report = nodes.sealText(JSON.stringify(hidden), reportPlace(uuid));
  await hardware.saveReport(uuid, report, source.manager);
  const operation = async (kind: 'deploy' | 'action', args: JsonObject, own = randomUUID()) => {
    const step: PlannedStep = {
      interface: 'deploy',
      name: 'x',
      priority: 1,
      args,
      abortable: true,
      rerunnable: true,
      visible: true,
      agent: false,
    };
    const row = { uuid: own, node_uuid: uuid, kind, steps: [step], actor: CONDUCTOR, conductor: 'here' };
    const { id } = await operations.create(row, source.manager);
    return async () => (await operations.load(id))!.journal.steps[0]!.args;
  };
  const deployment = await operation('deploy', hidden);
  const own = randomUUID();
  const actionPlace = stepPlace(own, 0, 'args');
  const action = await operation(
    'action',
    { sealed: nodes.sealText(JSON.stringify(hidden), actionPlace) },
    own,
  );
  const published = new PublishedFileRepository(source, keyring);
  const disc = `${randomUUID()}.iso`;
  const segments = [{ bytes: secret }];
  await published.publish({
    node_uuid: uuid,
    publisher: 'boot',
    life: 'node',
    conductor: 'here',
    files: [{ service: 'http', name: disc, content: { kind: 'generated', segments } }],
  });
  const ofDisc = async () => {
    const found = await published.find('http', disc);
    const [first] = found?.kind === 'generated' ? found.segments : [];
    return first && 'bytes' in first ? first.bytes : '';
  };
  const ofNode = (column: keyof ReturnType<NodeRepository['withSecrets']>) => async () => {
    const row = await nodes.get(uuid);
    // The other columns stay out of it.
    const alone = {
      ...row,
      driver_info_sealed: null,
      driver_internal_info_sealed: null,
      instance_info_sealed: null,
    };
    const opened = nodes.withSecrets({ ...alone, [`${column}_sealed`]: row[`${column}_sealed`] });
    return opened[column]['password'] as string;
  };
  const passwordOf = (text: string) => (JSON.parse(text) as typeof hidden).password;
  return {
    'node.driver_info_sealed': ofNode('driver_info'),
    'node.driver_internal_info_sealed': ofNode('driver_internal_info'),
    'node.instance_info_sealed': ofNode('instance_info'),
    'deploy_template.steps_sealed': async () =>
      templates.stepsOf(await templates.get(template.uuid))[0]!.args['password'] as string,
    'runbook.steps_sealed': async () =>
      runbooks.stepsOf(await runbooks.get(runbook.uuid))[0]!.args['password'] as string,
    'inspection_rule.sealed': async () =>
      (rules.bodyOf(await rules.get(rule.uuid)).actions[0]!.args as JsonObject)['msg'] as string,
    'volume_target.properties_sealed': async () =>
      targets.clear(await targets.get(target.uuid)).properties['password'] as string,
    'inspection_report.report_sealed': async () =>
      passwordOf(nodes.openText((await hardware.report(uuid))!, reportPlace(uuid))),
    'published_file.segments': ofDisc,
    'operation_step.args_sealed': async () => (await deployment())['password'] as string,
    'operation_step.args': async () =>
      passwordOf(nodes.openText((await action())['sealed'] as string, actionPlace)),
  };
}

interface Kept {
  key: string[];
  row: string;
  value: Buffer;
}

/** Every value of a column, with the row's primary key. */
function kept({ from, read, row, key }: (typeof SEALED_COLUMNS)[number]): Promise<Kept[]> {
  const columns = Object.keys(key).map((name) => `${name}::text`);
  return database.source.query(
    `select array[${columns.join(', ')}] as key, ${row} as row, ${read} as value from ${from} where ${read} is not null
      order by ${Object.keys(key).join(', ')}`,
  );
}

async function put(column: (typeof SEALED_COLUMNS)[number], key: string[], value: Buffer): Promise<void> {
  const where = Object.keys(column.key).map((name, index) => `${name}::text = $${index + 2}`);
  const text = `update ${column.table} set ${column.write('$1::bytea')} where ${where.join(' and ')}`;
  await database.source.query(text, [value, ...key]);
}

/** Every value as an earlier Ferric left it. @returns how many */
async function unbindAll(): Promise<number> {
  let count = 0;
  for (const column of SEALED_COLUMNS) {
    for (const { key, row, value } of await kept(column)) {
      const text = ring.open(value, { table: column.table, column: column.column, row });
      await put(column, key, sealUnbound(text, KEY));
      count++;
    }
  }
  return count;
}

const idOf = ({ table, column }: (typeof SEALED_COLUMNS)[number]) => `${table}.${column}`;

describe('sealed columns', () => {
  it('are every column of an entity that is named so', () => {
    const named = database.source.entityMetadatas.flatMap((entity) =>
      entity.columns
        .filter(({ databaseName }) => /(^|_)sealed$/.test(databaseName))
        .map(({ databaseName }) => `${entity.tableName}.${databaseName}`),
    );
    // The arguments of actions and the segments of generated files stand as text in columns of other names.
    expect([...named, 'operation_step.args', 'published_file.segments'].toSorted()).toEqual(
      SEALED_COLUMNS.map(idOf).toSorted(),
    );
  });

  it('are each read by a repository in the place that the list names', async () => {
    const readers = await furnish('a-word');
    expect(Object.keys(readers).toSorted()).toEqual(SEALED_COLUMNS.map(idOf).toSorted());
    for (const [id, read] of Object.entries(readers)) expect(await read(), id).toBe('a-word');
    for (const column of SEALED_COLUMNS) {
      const [one] = await kept(column);
      const place = { table: column.table, column: column.column, row: one!.row };
      expect(ring.open(one!.value, place), idOf(column)).toContain('a-word');
    }
  });

  it.each(SEALED_COLUMNS.map((column) => [idOf(column), column] as const))(
    'of two rows are not exchanged by SQL: %s',
    async (id, column) => {
      const readers = [await furnish('first-word'), await furnish('second-word')];
      const [one, two] = (await kept(column)) as [Kept, Kept];
      await put(column, one.key, two.value);
      await put(column, two.key, one.value);
      const messages = await Promise.all(readers.map((reader) => reader[id]!().catch(String)));
      for (const { row } of [one, two]) {
        const words = `The sealed value ${column.column} of ${column.table} ${row} does not open`;
        expect(messages.filter((message) => message.includes(words))).toHaveLength(1);
      }
      expect(messages.join()).not.toContain('-word');
    },
  );

  it('of one row are not exchanged either', async () => {
    const readers = await furnish('a-word');
    await database.source.query(
      'update node set driver_info_sealed = instance_info_sealed, instance_info_sealed = driver_info_sealed',
    );
    await expect(readers['node.driver_info_sealed']!()).rejects.toThrow(
      'The sealed value driver_info_sealed',
    );
    await expect(readers['node.instance_info_sealed']!()).rejects.toThrow(
      'The sealed value instance_info_sealed',
    );
    expect(await readers['node.driver_internal_info_sealed']!()).toBe('a-word');
  });
});

describe('bindSealed', () => {
  it('binds what an earlier Ferric sealed, once', async () => {
    const readers = await furnish('a-word');
    const count = await unbindAll();
    expect(count).toBe(SEALED_COLUMNS.length);
    for (const read of Object.values(readers)) await expect(read()).rejects.toThrow('by an earlier Ferric');
    expect(await bind()).toBe(count);
    for (const [id, read] of Object.entries(readers)) expect(await read(), id).toBe('a-word');
    expect(await bind()).toBe(0);
  });

  it('goes through more rows than one batch has, whatever does not open on the way', async () => {
    await furnish('a-word');
    await database.source.query(
      `insert into node (uuid, driver, provision_state, driver_info_sealed)
       select gen_random_uuid(), 'fake-hardware', 'enroll', case when n % 3 = 0 then $1::bytea else $2::bytea end
         from generate_series(1, 900) n`,
      [Buffer.from('01010000', 'hex'), sealUnbound('{}', KEY)],
    );
    expect(await bind()).toBe(600);
    // Not all are bound: the door stays open for those that may be mended.
    expect(existsSync(allBound)).toBe(false);
    expect(await bind()).toBe(0);
  });

  it('lets no unbound value in once all were bound', async () => {
    const readers = await furnish('a-word');
    expect(await bind()).toBe(0);
    expect(existsSync(allBound)).toBe(true);
    await unbindAll();
    expect(await bind()).toBe(0);
    for (const read of Object.values(readers)) await expect(read()).rejects.toThrow('by an earlier Ferric');
    rmSync(allBound);
    expect(await bind()).toBe(SEALED_COLUMNS.length);
    for (const [id, read] of Object.entries(readers)) expect(await read(), id).toBe('a-word');
  });

  it('seals anew with the first key, so that an old one can go', async () => {
    await furnish('a-word');
    await bind();
    const second = { id: 2, key: Buffer.alloc(32, 9) };
    expect(await bind(new Keyring([second, KEY]))).toBe(SEALED_COLUMNS.length);
    const alone = new Keyring([second]);
    expect(await bind(alone)).toBe(0);
    for (const column of SEALED_COLUMNS) {
      for (const { row, value } of await kept(column)) {
        expect(alone.open(value, { table: column.table, column: column.column, row })).toContain('a-word');
      }
    }
  });

  it('leaves a text that is no base64 to who reads it', async () => {
    const readers = await furnish('a-word');
    await database.source.query(`update inspection_report set report_sealed = '%'`);
    await database.source.query(`update operation_step set args = '{"sealed": "%"}'`);
    expect(await bind()).toBe(0);
    await expect(readers['inspection_report.report_sealed']!()).rejects.toThrow('is damaged');
    await expect(readers['operation_step.args']!()).rejects.toThrow('is damaged');
  });
});

describe('holdsSealed', () => {
  it('knows each of them, so that no fresh key is made over secrets', async () => {
    expect(await holdsSealed(database.source, SEALED_COLUMNS)).toBe(false);
    await furnish('a-word');
    for (const column of SEALED_COLUMNS) {
      expect(await holdsSealed(database.source, [column]), idOf(column)).toBe(true);
    }
  });
});

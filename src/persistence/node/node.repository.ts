import type { DataSource, EntityManager } from 'typeorm';
import { Compound } from '../../database/compound.js';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { isUuid, type Page } from '../../database/page.js';
import { readPages } from '../../database/read-pages.js';
import { RememberedTexts, type TextColumns } from '../../database/remembered-text.js';
import type { Keyring, SealedPlace } from '../../database/sealing.js';
import {
  afterMarker,
  brokenReference,
  brokenUnique,
  insertText,
  Parameters,
  quote,
  selectList,
  textList,
} from '../../database/statement.js';
import {
  ConflictError,
  type FerricError,
  InvalidError,
  NotFoundError,
  ReservationLostError,
} from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { keptText } from '../../domain/kept-text.js';
import { joinSecrets, splitSecrets } from '../../domain/secret-key.js';
import { type Fence, fenceCondition, RELEASE_SET, unchangedConditions } from './fence.js';
import { freeConditions, type WantedNode } from './free-node.js';
import type { Node } from './node.entity.js';
import { type NodeFilter, nodeConditions } from './node-filter.js';
import { ReservationRepository } from './reservation.repository.js';

/** Columns that hold secrets, with top-level keys that are secret whatever their name. */
const SEALED = {
  driver_info: [],
  driver_internal_info: [],
  instance_info: ['image_url'],
} as const satisfies Record<string, readonly string[]>;
type SealedColumn = keyof typeof SEALED;
const SEALED_COLUMNS = Object.keys(SEALED) as SealedColumn[];

type Writable = Omit<
  Node,
  'id' | 'uuid' | 'created_at' | 'updated_at' | `${SealedColumn}_sealed` | `reservation${string}`
>;
/** Secrets in clear: the repository seals them. */
export type NodeChanges = Partial<Writable>;
export type NewNode = NodeChanges & Pick<Node, 'uuid' | 'driver' | 'provision_state'>;

/** Every query on nodes. Rows come back with secrets masked; `withSecrets` opens them for drivers. */
export class NodeRepository {
  readonly #texts: RememberedTexts;
  /** Statements of `text`, by columns requested; there are few such views, and they are constants. */
  readonly #statements = new WeakMap<TextColumns, { uuid: string; name: string }>();

  readonly reservations: ReservationRepository;

  constructor(
    private readonly source: DataSource,
    private readonly keyring: Keyring,
  ) {
    this.reservations = new ReservationRepository(source);
    this.#texts = new RememberedTexts(source, 'node');
  }

  /**
   * @param addMore adds what is written together with the node, whose row is the part `held`
   * @throws ConflictError when the uuid, name or instance uuid is taken
   */
  async create(node: NewNode, addMore?: (compound: Compound) => void): Promise<Node> {
    const { uuid, ...changes } = node;
    const compound = new Compound();
    compound.add('held', insertText('node', { uuid, ...this.#seal(uuid, changes) }, compound.parameters));
    addMore?.(compound);
    try {
      const [row] = await compound.run<Node>(this.source, 'select * from held');
      return row!;
    } catch (error) {
      throw refusal(error, node) ?? error;
    }
  }

  /** @param ident uuid or name */
  async find(ident: string, on: Queryable = this.source.manager): Promise<Node | null> {
    const column = isUuid(ident) ? 'uuid' : 'name';
    const [row] = await on.query<Node[]>(`select * from node where ${column} = $1`, [ident]);
    return row ?? null;
  }

  /** @throws NotFoundError with Ironic's message */
  async get(ident: string, on: Queryable = this.source.manager): Promise<Node> {
    const node = await this.find(ident, on);
    if (!node) throw new NotFoundError(`Node ${ident} could not be found.`);
    return node;
  }

  /** One row with its texts, as `each` returns it. @param ident uuid or name */
  async text<Row>(ident: string, what: TextColumns): Promise<Row | null> {
    let statements = this.#statements.get(what);
    if (statements === undefined) {
      const list = [selectList(what.columns), ...textList('node', what.groups)].join(', ');
      const by = (column: string) => `select ${list} from node where ${column} = $1`;
      statements = { uuid: by('uuid'), name: by('name') };
      this.#statements.set(what, statements);
    }
    const statement = statements[isUuid(ident) ? 'uuid' : 'name'];
    const [row] = await this.source.query<Row[]>(statement, [ident]);
    return row ?? null;
  }

  /**
   * One query, whatever the length of the page; two with a marker.
   * @param columns columns to read; all by default
   * @throws NotFoundError for a marker that does not exist
   */
  async list(filter: NodeFilter, page: Page, columns: readonly string[] = ['*']): Promise<Node[]> {
    const [rest, values] = await this.#listing(filter, page);
    return this.source.query<Node[]>(`select ${selectList(columns)} from node ${rest}`, values);
  }

  /** All nodes of a filter, as `readPages`. */
  pages(filter: NodeFilter, columns?: readonly string[], size?: number): AsyncGenerator<Node[]> {
    const conditions = (parameters: Parameters) => nodeConditions(filter, parameters);
    return readPages(this.source, 'node', conditions, columns, size);
  }

  /** As `list`, row by row. Texts that have not changed since the last such query are not generated again. */
  async each<Row>(
    filter: NodeFilter,
    page: Page,
    what: TextColumns,
    take: (row: Row) => void,
  ): Promise<void> {
    await this.#texts.each(what, await this.#listing(filter, page), take);
  }

  /** @returns the statement from `where` on */
  async #listing(filter: NodeFilter, page: Page): Promise<[string, unknown[]]> {
    const parameters = new Parameters();
    const where = nodeConditions(filter, parameters);
    const key = quote(page.sort_key ?? 'id');
    const direction = page.sort_dir === 'desc' ? 'desc' : 'asc';
    if (page.marker) {
      const at = await this.get(page.marker);
      const isNull = at[(page.sort_key ?? 'id') as keyof Node] === null;
      where.push(afterMarker('node', key, direction, isNull, parameters.add(at.id)));
    }
    const condition = where.length > 0 ? `where ${where.join(' and ')}` : '';
    const order = key === '"id"' ? `id ${direction}` : `${key} ${direction}, id ${direction}`;
    return [`${condition} order by ${order} limit ${parameters.add(page.limit)}`, parameters.values];
  }

  /** Shards, the largest first; null counts the nodes without a shard. */
  async shards(): Promise<{ name: string | null; count: number }[]> {
    return this.source.query(
      `select shard as name, count(*)::integer as count from node group by shard order by count(*) desc, shard nulls first`,
    );
  }

  /** The three columns with secrets in clear. For drivers and for PATCH; never for an answer. */
  withSecrets(node: Node): { [column in SealedColumn]: JsonObject } {
    const open = (column: SealedColumn): JsonObject => {
      const sealed = node[`${column}_sealed`];
      const secrets = sealed
        ? (JSON.parse(this.keyring.open(sealed, placeOf(node.uuid, column))) as Record<string, Json>)
        : null;
      return joinSecrets(node[column], secrets);
    };
    return {
      driver_info: open('driver_info'),
      driver_internal_info: open('driver_internal_info'),
      instance_info: open('instance_info'),
    };
  }

  /** For texts that are stored outside of a node's row. @returns base64 */
  sealText(text: string, place: SealedPlace): string {
    return this.keyring.seal(text, place).toString('base64');
  }

  openText(sealed: string, place: SealedPlace): string {
    return this.keyring.open(Buffer.from(sealed, 'base64'), place);
  }

  /**
   * Writes `changes`; with a fence, only while the reservation is held and has not expired.
   * @throws ReservationLostError, NotFoundError, ConflictError
   */
  async update(
    uuid: string,
    changes: NodeChanges,
    fence: Fence | null,
    on: Queryable = this.source.manager,
  ): Promise<Node> {
    return this.#update(uuid, changes, fence, { more: '' }, on);
  }

  /**
   * As `update`, and releases the reservation.
   * @param addMore adds what is written in the same statement: the node's row is the part `held`
   */
  async updateAndRelease(
    uuid: string,
    changes: NodeChanges,
    fence: Fence,
    addMore?: (compound: Compound) => void,
  ): Promise<Node> {
    return this.#update(uuid, changes, fence, { more: `${RELEASE_SET}, `, addMore }, this.source);
  }

  async #update(
    uuid: string,
    changes: NodeChanges,
    fence: Fence | null,
    { more, addMore }: { more: string; addMore?: ((compound: Compound) => void) | undefined },
    on: Queryable,
  ): Promise<Node> {
    const compound = new Compound();
    const { parameters } = compound;
    const sealed = this.#seal(uuid, changes);
    const set = Object.keys(sealed).length > 0 ? `${parameters.assignments(sealed)}, ` : '';
    const where = `uuid = ${parameters.add(uuid)}${fence ? ` and ${fenceCondition(fence, parameters)}` : ''}`;
    compound.add('held', `update node set ${set}${more}updated_at = now() where ${where} returning *`);
    addMore?.(compound);
    try {
      const [row] = await compound.run<Node>(on, 'select * from held');
      if (row) return row;
    } catch (error) {
      throw refusal(error, { ...changes, uuid }) ?? error;
    }
    await this.get(uuid, on);
    throw new ReservationLostError(uuid);
  }

  /**
   * Writes `changes` in one statement, if the fence holds and these columns were not written since they were read.
   * @param seen the node as it was read
   * @returns null otherwise
   */
  async updateUnchanged(
    seen: Node,
    columns: readonly SealedColumn[],
    changes: NodeChanges,
    fence: Fence,
  ): Promise<Node | null> {
    const compound = new Compound();
    this.addHeld(compound, seen, fence, { changes, unchanged: columns, release: false });
    const [row] = await compound.run<Node>(this.source, 'select * from held');
    return row ?? null;
  }

  /**
   * Adds the part `held` to a compound: the node's row, under its fence; no row when the reservation is lost.
   * @param what.changes when empty, the row is locked and not written
   * @param what.unchanged columns that must not have been written since `seen` was read; otherwise there is no row
   * either
   * @param what.release also releases the reservation
   */
  addHeld(
    compound: Compound,
    seen: Node,
    fence: Fence,
    what: { changes: NodeChanges; unchanged: readonly SealedColumn[]; release: boolean },
  ): void {
    const { parameters } = compound;
    const sealed = this.#seal(seen.uuid, what.changes);
    const written = Object.keys(sealed).length > 0;
    const set = [
      ...(written ? [parameters.assignments(sealed), 'updated_at = now()'] : []),
      ...(what.release ? [RELEASE_SET] : []),
    ].join(', ');
    const where = [
      `uuid = ${parameters.add(seen.uuid)}`,
      ...unchangedConditions(seen, what.unchanged, parameters),
      fenceCondition(fence, parameters),
    ].join(' and ');
    compound.add(
      'held',
      set === ''
        ? `select * from node where ${where} for update`
        : `update node set ${set} where ${where} returning *`,
    );
  }

  /**
   * Reads, decides and writes under a row lock, for changes that depend on the current row: a heartbeat and a step that
   * write the same column do not undo each other.
   * @param fence null for callers without a reservation (heartbeat, lookup)
   * @param edit gets secrets in clear; null leaves the node unchanged
   * @throws ReservationLostError, NotFoundError
   */
  async edit(
    uuid: string,
    fence: Fence | null,
    edit: (clear: Node) => NodeChanges | null,
    on?: EntityManager,
  ): Promise<Node> {
    const work = async (manager: EntityManager): Promise<Node> => {
      const [row] = await manager.query<Node[]>(`select * from node where uuid = $1 for update`, [uuid]);
      if (!row) throw new NotFoundError(`Node ${uuid} could not be found.`);
      const changes = edit({ ...row, ...this.withSecrets(row) });
      return changes ? this.update(uuid, changes, fence, manager) : row;
    };
    return on ? work(on) : inTransaction(this.source, work);
  }

  async delete(uuid: string, fence: Fence, on: Queryable = this.source.manager): Promise<void> {
    const parameters = new Parameters();
    const where = `uuid = ${parameters.add(uuid)} and ${fenceCondition(fence, parameters)}`;
    const [, count] = await on.query<[unknown[], number]>(
      `delete from node where ${where}`,
      parameters.values,
    );
    if (count === 0) throw new ReservationLostError(uuid);
  }

  /**
   * @param idents uuids and names
   * @param project that must own or lease the nodes; null: any
   * @returns uuid by ident; unknown idents are skipped
   */
  async uuidsOf(idents: readonly string[], project: string | null): Promise<Map<string, string>> {
    const rows = await this.source.query<Pick<Node, 'uuid' | 'name'>[]>(
      `select uuid, name from node 
        where (uuid = any($1::uuid[]) or name = any($2)) and ($3::varchar is null or owner = $3 or lessee = $3)`,
      [idents.filter(isUuid), idents, project],
    );
    return new Map(
      rows.flatMap(({ uuid, name }): [string, string][] => [
        [uuid, uuid],
        ...(name === null ? [] : [[name, uuid] as [string, string]]),
      ]),
    );
  }

  /** How many nodes an allocation could get, reserved or not. */
  async countFree(wanted: WantedNode, on: Queryable = this.source.manager): Promise<number> {
    const parameters = new Parameters();
    const where = freeConditions(wanted, parameters).join(' and ');
    const [row] = await on.query<{ count: number }[]>(
      `select count(*)::int as count from node where ${where}`,
      parameters.values,
    );
    return row!.count;
  }

  /**
   * One of these nodes that is not reserved, its row locked until the transaction ends: a concurrent caller gets
   * another node without waiting.
   */
  async lockFree(wanted: WantedNode, on: Queryable): Promise<Node | null> {
    const parameters = new Parameters();
    const where = freeConditions(wanted, parameters).join(' and ');
    const [row] = await on.query<Node[]>(
      `select * from node where ${where} and (reservation is null or reservation_expires_at < now())
        order by (name is not distinct from ${parameters.add(wanted.name)}::varchar) desc, random()
        limit 1 for update skip locked`,
      parameters.values,
    );
    return row ?? null;
  }

  #seal(uuid: string, changes: NodeChanges): Record<string, unknown> {
    const row: Record<string, unknown> = { ...changes };
    if (changes.last_error) row['last_error'] = keptText(changes.last_error);
    for (const column of SEALED_COLUMNS) {
      const whole = changes[column];
      if (whole === undefined) continue;
      const { open, secrets } = splitSecrets(whole, SEALED[column]);
      row[column] = open;
      row[`${column}_sealed`] = secrets
        ? this.keyring.seal(JSON.stringify(secrets), placeOf(uuid, column))
        : null;
    }
    return row;
  }
}

function placeOf(uuid: string, column: SealedColumn): SealedPlace {
  return { table: 'node', column: `${column}_sealed`, row: uuid };
}

function refusal(error: unknown, node: NodeChanges & { uuid?: string }): FerricError | null {
  if (brokenReference(error) === 'node_chassis_uuid_fkey') {
    return new InvalidError(`Chassis ${node.chassis_uuid} could not be found.`);
  }
  switch (brokenUnique(error)) {
    case 'node_name_key':
      return new ConflictError(`A node with name ${node.name} already exists.`);
    case 'node_instance_uuid_key':
      return new ConflictError(
        `Instance ${node.instance_uuid} is already associated with a node, ` +
          `it cannot be associated with this other node ${node.uuid}`,
      );
    case 'node_uuid_key':
      return new ConflictError(`A node with UUID ${node.uuid} already exists.`);
    default:
      return null;
  }
}

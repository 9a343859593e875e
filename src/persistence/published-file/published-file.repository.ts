import type { DataSource } from 'typeorm';
import type { Keyring, SealedPlace } from '../../database/sealing.js';
import { canonicalAddress } from '../../domain/agent/callback-url.js';
import { ConflictError } from '../../domain/errors.js';
import {
  type BootService,
  type Content,
  checkPublication,
  type Publication,
  type PublishedName,
  type Publisher,
  type Segment,
  type StoredSegments,
  sizeOf,
} from './publication.js';

/** A published name as the servers see it. */
export type PublishedEntry = {
  service: BootService;
  name: string;
  node_uuid: string;
  /** Whether the node's machine may read it; other addresses are in `for_addresses`. */
  for_machine: boolean;
  for_addresses: readonly string[];
  created_at: Date;
} & ({ kind: 'file'; path: string } | { kind: 'generated'; segments: readonly Segment[]; size: number });

/** An entry that has ended. */
export interface EndedEntry {
  service: BootService;
  name: string;
  operation_uuid: string | null;
  /** null for generated content, or when a live entry has the same file. */
  path: string | null;
}

interface Row extends Omit<PublishedEntry, 'kind'> {
  kind: 'file' | 'generated';
  path: string | null;
  segments: StoredSegments | null;
  size: string | null;
}

const SHOWN = `service, name, node_uuid, for_machine, for_addresses, kind, path, segments, size, created_at`;

/** Condition: a row of published_file has ended. */
const ENDED = (
  row: string,
) => `(coalesce(${row}.expires_at <= now(), false) or (${row}.operation_uuid is not null
  and not exists (select from operation o where o.uuid = ${row}.operation_uuid and o.finished_at is null)))`;

/**
 * Every query on published files: drivers' interfaces publish, the boot servers read, the sweep removes ended entries.
 */
export class PublishedFileRepository {
  constructor(
    private readonly source: DataSource,
    private readonly keyring: Keyring,
  ) {}

  /**
   * Sets everything that a publisher publishes for a node, in one statement: earlier entries that are not named again
   * are deleted. A name of another publication moves to this one.
   * @throws InvalidError for a publication that cannot be served; ConflictError for the life of an operation when none
   * is open
   */
  async publish(publication: Publication): Promise<void> {
    checkPublication(publication);
    const { node_uuid, publisher, life, seconds, conductor, files } = publication;
    const readers = publication.readers ?? { machine: true, addresses: [] };
    const [row] = await this.source.query<{ allowed: boolean }[]>(
      `with owner as (
         select $3 = 'node' or uuid is not null as allowed, uuid as operation_uuid
           from (select 1) always left join operation on $3 = 'operation' and node_uuid = $1
            and finished_at is null and kind not in ('power', 'action')
       ), wanted as (
         select * from jsonb_to_recordset($4::jsonb)
           as t (service varchar, name text, kind varchar, path text, segments jsonb, size bigint)
       ), gone as (
         delete from published_file p using owner where allowed and p.node_uuid = $1 and p.publisher = $2
            and not exists (select from wanted w where w.service = p.service and w.name = p.name)
       ), published as (
         insert into published_file (service, name, node_uuid, publisher, operation_uuid, expires_at, conductor,
             for_machine, for_addresses, kind, path, segments, size)
         select service, name, $1, $2, operation_uuid, now() + make_interval(secs => $5), $6, $7, $8::jsonb,
                kind, path, segments, size
           from wanted, owner where allowed order by service, name
         on conflict (service, name) do update set node_uuid = excluded.node_uuid, publisher = excluded.publisher,
           operation_uuid = excluded.operation_uuid, expires_at = excluded.expires_at, conductor = excluded.conductor,
           for_machine = excluded.for_machine, for_addresses = excluded.for_addresses, kind = excluded.kind,
           path = excluded.path, segments = excluded.segments, size = excluded.size, fetched_bytes = 0, created_at = now()
       )
       select allowed from owner`,
      [
        node_uuid,
        publisher,
        life,
        JSON.stringify(files.map((file) => this.#record(file))),
        seconds ?? null,
        conductor,
        readers.machine,
        JSON.stringify(readers.addresses.map(canonicalAddress)),
      ],
    );
    if (!row?.allowed) throw new ConflictError(`Node ${node_uuid} has no operation under way to publish for`);
  }

  /** Ends everything that this publisher publishes for the node. */
  async withdraw(node_uuid: string, publisher: Publisher): Promise<void> {
    await this.source.query(`delete from published_file where node_uuid = $1 and publisher = $2`, [
      node_uuid,
      publisher,
    ]);
  }

  /** What this publisher publishes for the node, by service and name. */
  async of(node_uuid: string, publisher: Publisher): Promise<PublishedName[]> {
    const rows = await this.source.query<Row[]>(
      `select ${SHOWN} from published_file where node_uuid = $1 and publisher = $2 order by service, name`,
      [node_uuid, publisher],
    );
    return rows.map(({ service, name, kind, path, segments }) => {
      const content: Content =
        kind === 'file' ? { kind, path: path! } : { kind, segments: this.#open(service, name, segments!) };
      return { service, name, content };
    });
  }

  /** Adds to what was fetched of each name. An entry that has ended meanwhile is no error. */
  async noteFetched(
    fetched: readonly { service: BootService; name: string; bytes: number }[],
  ): Promise<void> {
    await this.source.query(
      `update published_file p set fetched_bytes = p.fetched_bytes + f.bytes
         from jsonb_to_recordset($1::jsonb) as f (service varchar, name text, bytes bigint)
        where p.service = f.service and p.name = f.name`,
      [JSON.stringify(fetched)],
    );
  }

  /** Bytes fetched of what this publisher publishes for the node; null: it publishes nothing. */
  async fetchedOf(node_uuid: string, publisher: Publisher): Promise<number | null> {
    const [row] = await this.source.query<{ bytes: string | null }[]>(
      `select sum(fetched_bytes) as bytes from published_file where node_uuid = $1 and publisher = $2`,
      [node_uuid, publisher],
    );
    return row?.bytes == null ? null : Number(row.bytes);
  }

  /** The live entry of this exact name. */
  async find(service: BootService, name: string): Promise<PublishedEntry | null> {
    const [row] = await this.source.query<Row[]>(
      `select ${SHOWN} from published_file p where service = $1 and name = $2 and not ${ENDED('p')}`,
      [service, name],
    );
    if (!row) return null;
    const { kind, path, segments, size, ...rest } = row;
    return kind === 'file'
      ? { ...rest, kind, path: path! }
      : { ...rest, kind, segments: this.#open(service, name, segments!), size: Number(size) };
  }

  /**
   * A page of ended entries of this conductor, or of a dead one.
   * @param silence seconds without a heartbeat after which a conductor is dead
   * @param after the last entry of the previous page
   */
  async ended(
    conductor: string,
    silence: number,
    limit: number,
    after: Pick<EndedEntry, 'service' | 'name'> | null = null,
  ): Promise<EndedEntry[]> {
    return this.source.query<EndedEntry[]>(
      `select service, name, operation_uuid, case when not exists (select from published_file other
                where other.path = p.path and not ${ENDED('other')}) then path end as path
         from published_file p
        where ${ENDED('p')} and ($4::text is null or (service, name) > ($4, $5))
          and (p.conductor = $1 or not exists (select from conductor c where c.hostname = p.conductor
                and c.updated_at > now() - make_interval(secs => $2)))
        order by service, name limit $3`,
      [conductor, silence, limit, after?.service ?? null, after?.name ?? null],
    );
  }

  /** Deletes an ended entry; one that was published again under its name stays. */
  async remove({ service, name }: Pick<EndedEntry, 'service' | 'name'>): Promise<void> {
    await this.source.query(
      `delete from published_file p where service = $1 and name = $2 and ${ENDED('p')}`,
      [service, name],
    );
  }

  /** Inline bytes are sealed: a disc's kernel parameters hold its agent's token. */
  #record({ service, name, content }: PublishedName): Record<string, unknown> {
    if (content.kind === 'file') return { service, name, kind: content.kind, path: content.path };
    const sealed = this.keyring.seal(JSON.stringify(content.segments), placeOf(service, name));
    const segments: StoredSegments = { sealed: sealed.toString('base64') };
    return { service, name, kind: content.kind, segments, size: sizeOf(content.segments) };
  }

  /** Entries of an earlier Ferric are in clear until they end. */
  #open(service: BootService, name: string, stored: StoredSegments): Segment[] {
    if (Array.isArray(stored)) return stored;
    return JSON.parse(
      this.keyring.open(Buffer.from(stored.sealed, 'base64'), placeOf(service, name)),
    ) as Segment[];
  }
}

function placeOf(service: BootService, name: string): SealedPlace {
  return { table: 'published_file', column: 'segments', row: `${service}/${name}` };
}

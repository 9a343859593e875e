import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { Parameters } from '../../database/statement.js';
import { Table } from '../../database/table.js';
import { ConflictError, InvalidError, NotFoundError } from '../../domain/errors.js';
import type { ImageStatus } from '../../domain/image/status.js';
import type { ImageMember, ImageRecord, MemberStatus } from './image-record.entity.js';
import { type ImageQuery, type ImageViewer, listStatement } from './list-statement.js';

/**
 * Records a change of an image, in the transaction of that change.
 * @param changes by name of the field; of a creation all that is set, of a deletion none
 */
export type ImageNote = (changes: object, on: Queryable) => Promise<void>;
/** A change of the projects that an image is shared with. */
const MEMBERS = { members: true };

export type ImageChanges = Partial<Omit<ImageRecord, 'id' | 'uuid' | 'created_at' | 'updated_at'>>;

/** Every query on images and their members. */
export class ImageRecordRepository {
  readonly #table: Table<ImageRecord>;

  constructor(private readonly source: DataSource) {
    this.#table = new Table(source, 'image', {
      missing: missingImage,
      taken: { image_uuid_key: ({ uuid }) => takenImage(uuid!) },
    });
  }

  /** @throws ConflictError for a UUID that an image has, or had before its deletion, as glance/db/sqlalchemy/api.py */
  async create(image: ImageChanges & { uuid: string }, note: ImageNote): Promise<ImageRecord> {
    return inTransaction(this.source, async (manager) => {
      // In this order: an insertion that waits for a deletion of the same UUID sees the row of that deletion.
      const created = await this.#table.insert(image, manager);
      const gone = await manager.query<unknown[]>(`select from image_deleted where uuid = $1`, [image.uuid]);
      if (gone.length > 0) throw new ConflictError(takenImage(image.uuid));
      await note(image, manager);
      return read(created);
    });
  }

  async find(uuid: string): Promise<ImageRecord | null> {
    const row = await this.#table.find(uuid, null);
    return row && read(row);
  }

  /** @throws NotFoundError */
  async get(uuid: string): Promise<ImageRecord> {
    const row = await this.find(uuid);
    if (!row) throw new NotFoundError(missingImage(uuid));
    return row;
  }

  /** @throws InvalidError for a marker that the viewer cannot see */
  async list(query: ImageQuery): Promise<ImageRecord[]> {
    const { marker, viewer } = query;
    if (marker !== undefined && !(await this.#isSeen(marker, viewer)))
      throw new InvalidError(missingImage(marker));
    const parameters = new Parameters();
    const rows = await this.source.query<ImageRecord[]>(listStatement(query, parameters), parameters.values);
    return rows.map(read);
  }

  /** Whether a viewer can see an image; one that the viewer cannot see does not exist for the viewer. */
  async #isSeen(uuid: string, viewer: ImageViewer): Promise<boolean> {
    const parameters = new Parameters();
    const query: ImageQuery = {
      viewer: { ...viewer, memberStatus: 'all' },
      visibility: 'all',
      conditions: [{ column: 'uuid', any: [uuid] }],
      tags: [],
      properties: {},
      sort: [],
      limit: 1,
    };
    const rows = await this.source.query<unknown[]>(listStatement(query, parameters), parameters.values);
    return rows.length > 0;
  }

  /** As `Table.edit`; without changes `updated_at` stays, too. */
  async edit(
    uuid: string,
    change: (image: ImageRecord) => ImageChanges,
    note: ImageNote,
  ): Promise<ImageRecord> {
    const changed = await this.#table.edit(uuid, async (row, on) => {
      const changes = change(read(row));
      if (Object.keys(changes).length === 0) return null;
      await note(changes, on);
      return changes;
    });
    return read(changed);
  }

  /**
   * Changes an image that has one of these statuses.
   * @param note null: a status on the way, which nobody asked for by itself
   * @returns null when it has another status by now, or is deleted
   */
  async transit(
    uuid: string,
    from: readonly ImageStatus[],
    changes: ImageChanges,
    note: ImageNote | null = null,
  ): Promise<ImageRecord | null> {
    if (!note) return this.#transit(uuid, from, changes, this.source.manager);
    return inTransaction(this.source, async (manager) => {
      const image = await this.#transit(uuid, from, changes, manager);
      if (image) await note(changes, manager);
      return image;
    });
  }

  async #transit(
    uuid: string,
    from: readonly ImageStatus[],
    changes: ImageChanges,
    on: Queryable,
  ): Promise<ImageRecord | null> {
    const parameters = new Parameters();
    const set = parameters.assignments(changes);
    const text = `update image set ${set}, updated_at = now()
      where uuid = ${parameters.add(uuid)} and status = any(${parameters.add([...from])}) returning *`;
    const [rows] = await on.query<[ImageRecord[], number]>(text, parameters.values);
    return rows[0] ? read(rows[0]) : null;
  }

  /** @returns the record before its deletion. @throws NotFoundError, and what `check` throws */
  async delete(uuid: string, check: (image: ImageRecord) => void, note: ImageNote): Promise<ImageRecord> {
    return inTransaction(this.source, async (manager) => {
      const image = await this.#locked(uuid, manager);
      check(image);
      await this.#table.delete(uuid, manager);
      await manager.query(`insert into image_deleted (uuid) values ($1)`, [uuid]);
      await note({}, manager);
      return image;
    });
  }

  /** Returns images to `queued` whose upload or import a killed daemon left unfinished. @returns how many */
  async requeueInterrupted(): Promise<number> {
    const [, count] = await this.source.query<[unknown, number]>(
      `update image set status = 'queued', size = null, updated_at = now() where status in ('saving', 'importing')`,
    );
    return count;
  }

  async withStatus(status: ImageStatus): Promise<ImageRecord[]> {
    return (await this.source.query<ImageRecord[]>(`select * from image where status = $1`, [status])).map(
      read,
    );
  }

  /** Whether an image has the bytes of that name. */
  async isHeld(os_hash_value: string): Promise<boolean> {
    const [row] = await this.source.query<{ held: boolean }[]>(
      `select exists (select from image where os_hash_value = $1) as held`,
      [os_hash_value],
    );
    return row!.held;
  }

  async members(image_uuid: string): Promise<ImageMember[]> {
    return this.source.query<ImageMember[]>(`select * from image_member where image_uuid = $1 order by id`, [
      image_uuid,
    ]);
  }

  async member(image_uuid: string, member: string): Promise<ImageMember | null> {
    const [row] = await this.source.query<ImageMember[]>(
      `select * from image_member where image_uuid = $1 and member = $2`,
      [image_uuid, member],
    );
    return row ?? null;
  }

  /** @throws ConflictError for a project that is a member already */
  addMember(image_uuid: string, member: string, note: ImageNote): Promise<ImageMember> {
    return inTransaction(this.source, async (manager) => {
      const [row] = await manager.query<ImageMember[]>(
        `insert into image_member (image_uuid, member, status) values ($1, $2, 'pending')
         on conflict do nothing returning *`,
        [image_uuid, member],
      );
      if (!row) throw new ConflictError(`Member ${member} is duplicated for image ${image_uuid}`);
      await note(MEMBERS, manager);
      return row;
    });
  }

  setMember(
    image_uuid: string,
    member: string,
    status: MemberStatus,
    note: ImageNote,
  ): Promise<ImageMember | null> {
    return inTransaction(this.source, async (manager) => {
      const [rows] = await manager.query<[ImageMember[], number]>(
        `update image_member set status = $3, updated_at = now() where image_uuid = $1 and member = $2 returning *`,
        [image_uuid, member, status],
      );
      if (rows[0]) await note(MEMBERS, manager);
      return rows[0] ?? null;
    });
  }

  /** @returns whether it was a member */
  removeMember(image_uuid: string, member: string, note: ImageNote): Promise<boolean> {
    return inTransaction(this.source, async (manager) => {
      const [, count] = await manager.query<[unknown, number]>(
        `delete from image_member where image_uuid = $1 and member = $2`,
        [image_uuid, member],
      );
      if (count > 0) await note(MEMBERS, manager);
      return count > 0;
    });
  }

  async #locked(uuid: string, on: Queryable): Promise<ImageRecord> {
    const [row] = await on.query<ImageRecord[]>(`select * from image where uuid = $1 for update`, [uuid]);
    if (!row) throw new NotFoundError(missingImage(uuid));
    return read(row);
  }
}

function takenImage(uuid: string): string {
  return `Image ID ${uuid} already exists!`;
}

function missingImage(uuid: string): string {
  return `No image found with ID ${uuid}`;
}

/** bigint arrives as text; every image size fits exactly into a number. */
function read(row: ImageRecord): ImageRecord {
  const number = (value: unknown) => (value === null ? null : Number(value));
  return { ...row, size: number(row.size), virtual_size: number(row.virtual_size) };
}

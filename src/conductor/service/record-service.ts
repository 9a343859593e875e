import { isDeepStrictEqual } from 'node:util';
import type { DataSource } from 'typeorm';
import { inTransaction, type Queryable } from '../../database/data-source.js';
import { sentAgain } from '../../database/database.js';
import type { Change } from '../../database/table.js';
import type { Actor } from '../../domain/actor.js';
import type { ImageNote } from '../../persistence/image-record/image-record.repository.js';
import {
  type Changes,
  type Resource,
  type ResourceRow,
  resourceCreation,
  resourceDeletion,
  resourceEdit,
} from '../execution/changes.js';

/** What a repository of such rows offers. */
interface Repository<Row, New, Edited> {
  create(row: New, on: Queryable): Promise<Row>;
  edit(uuid: string, change: Change<Row, Edited>): Promise<Row>;
  delete(uuid: string, on: Queryable): Promise<void>;
}

interface Deps {
  source: DataSource;
  changes: Changes;
}

/** Rows that belong to no node: written without a reservation, each with its change in one transaction. */
class Records<Row extends { uuid: string }, New, Edited extends object> {
  constructor(
    private readonly resource: Resource,
    private readonly rows: Repository<Row, New, Edited>,
    private readonly deps: Deps,
  ) {}

  /** @throws as the repository's `create` */
  create(row: New, by: Actor): Promise<Row> {
    return createRecorded(this.resource, (on) => this.rows.create(row, on), by, this.deps);
  }

  /** @param change as the repository's `edit`. The change names the fields whose value differs */
  edit(uuid: string, change: (row: Row) => Edited, by: Actor): Promise<Row> {
    return this.rows.edit(uuid, async (row, on) => {
      const edited = change(row);
      const differs = ([field, value]: [string, unknown]) =>
        !isDeepStrictEqual(value, row[field as keyof Row]);
      const changes = Object.fromEntries(Object.entries(edited).filter(differs));
      await this.deps.changes.write(resourceEdit(this.resource, row, changes, by), on);
      return edited;
    });
  }

  /** @throws as the repository's `delete` */
  delete(uuid: string, by: Actor): Promise<void> {
    return together(this.deps, async (on) => {
      await this.rows.delete(uuid, on);
      await this.deps.changes.write(resourceDeletion(this.resource, { uuid }, by), on);
    });
  }

  /** @param write deletes the rows and returns their UUIDs */
  deleteAll(write: (on: Queryable) => Promise<string[]>, by: Actor): Promise<void> {
    return together(this.deps, async (on) => {
      for (const uuid of await write(on))
        await this.deps.changes.write(resourceDeletion(this.resource, { uuid }, by), on);
    });
  }
}

/**
 * Creates a row and writes its change, in one transaction.
 * @param create the row may belong to a node
 * @throws as `create`
 */
export function createRecorded<Row extends ResourceRow>(
  resource: Resource,
  create: (on: Queryable) => Promise<Row>,
  by: Actor,
  deps: Deps,
): Promise<Row> {
  return together(deps, async (on) => {
    const created = await create(on);
    await deps.changes.write(resourceCreation(resource, created, by), on);
    return created;
  });
}

function together<T>({ source }: Deps, work: (on: Queryable) => Promise<T>): Promise<T> {
  return sentAgain(() => inTransaction(source, work));
}

/** Changes of what belongs to no node: chassis, deploy templates, runbooks, inspection rules, images. */
export class RecordService {
  constructor(private readonly deps: Deps) {}

  /** The changes of one resource. @param rows its repository */
  of<Row extends { uuid: string }, New, Edited extends object>(
    resource: Resource,
    rows: Repository<Row, New, Edited>,
  ): Records<Row, New, Edited> {
    return new Records(resource, rows, this.deps);
  }

  /** What writes the change of an image, beside the image itself. */
  imageNote(verb: 'created' | 'changed' | 'deleted', uuid: string, by: Actor): ImageNote {
    return async (fields, on) => {
      await this.deps.changes.write(imageChange(verb, uuid, fields, by), on);
    };
  }
}

function imageChange(
  verb: 'created' | 'changed' | 'deleted',
  uuid: string,
  fields: Parameters<ImageNote>[0],
  by: Actor,
) {
  if (verb === 'created') return resourceCreation('image', { uuid }, by);
  if (verb === 'deleted') return resourceDeletion('image', { uuid }, by);
  return resourceEdit('image', { uuid }, fields, by);
}

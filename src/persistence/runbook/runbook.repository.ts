import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import { isUuid, type Page } from '../../database/page.js';
import { type Keyring, openSecrets, type SealedPlace, sealSecrets } from '../../database/sealing.js';
import { type Change, Table } from '../../database/table.js';
import type { JsonObject } from '../../domain/json.js';
import type { Runbook, RunbookStep } from './runbook.entity.js';

/** Secrets in clear: the repository seals them. */
export type RunbookChanges = Partial<
  Pick<
    Runbook,
    'name' | 'description' | 'steps' | 'disable_ramdisk' | 'extra' | 'public' | 'owner' | 'traits'
  >
>;
export type NewRunbook = RunbookChanges & Pick<Runbook, 'uuid' | 'name' | 'steps'>;

/** Every query on runbooks. Rows come back with secrets masked. */
export class RunbookRepository {
  readonly #table: Table<Runbook>;

  constructor(
    source: DataSource,
    private readonly keyring: Keyring,
  ) {
    this.#table = new Table<Runbook>(source, 'runbook', {
      missing: (ident) => `Runbook ${ident} could not be found.`,
      taken: {
        runbook_name_key: ({ name }) => `A runbook with name ${name} already exists.`,
        runbook_uuid_key: ({ uuid }) => `A runbook with UUID ${uuid} already exists.`,
      },
    });
  }

  /** @throws ConflictError when the name or uuid is taken */
  create(runbook: NewRunbook, on?: Queryable): Promise<Runbook> {
    return this.#table.insert(this.#seal(runbook.uuid, runbook), on);
  }

  /** @param ident uuid or name */
  find(ident: string): Promise<Runbook | null> {
    return this.#table.find(ident, 'name');
  }

  /** @throws NotFoundError */
  get(ident: string): Promise<Runbook> {
    return this.#table.get(ident, 'name');
  }

  /** @param project lists its own and the public runbooks; null: all */
  list(project: string | null, page: Page, columns?: readonly string[]): Promise<Runbook[]> {
    return this.#table.list(
      (parameters) => (project === null ? [] : [`(owner = ${parameters.add(project)} or public)`]),
      page,
      columns,
      isUuid(page.marker ?? '') ? 'uuid' : 'name',
    );
  }

  /** The steps with their secrets: for cleaning, servicing and PATCH, never for an answer. */
  stepsOf(runbook: Pick<Runbook, 'uuid' | 'steps' | 'steps_sealed'>): RunbookStep[] {
    const open = { steps: runbook.steps } as unknown as JsonObject;
    const whole = openSecrets(this.keyring, open, runbook.steps_sealed, placeOf(runbook.uuid));
    return whole['steps'] as unknown as RunbookStep[];
  }

  /** As `Table.editOpened`. @param change gets the steps in clear */
  edit(uuid: string, change: Change<Runbook, RunbookChanges>): Promise<Runbook> {
    return this.#table.editOpened(uuid, change, {
      open: (row) => ({ ...row, steps: this.stepsOf(row) }),
      seal: (changes) => this.#seal(uuid, changes),
    });
  }

  /** @throws NotFoundError */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }

  #seal<T extends RunbookChanges>(uuid: string, changes: T): T & Partial<Runbook> {
    if (!changes.steps) return changes;
    const whole = { steps: changes.steps } as unknown as JsonObject;
    const { open, sealed } = sealSecrets(this.keyring, whole, placeOf(uuid));
    return { ...changes, steps: open['steps'] as unknown as RunbookStep[], steps_sealed: sealed };
  }
}

function placeOf(uuid: string): SealedPlace {
  return { table: 'runbook', column: 'steps_sealed', row: uuid };
}

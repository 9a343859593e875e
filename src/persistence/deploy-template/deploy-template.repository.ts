import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import { isUuid, type Page } from '../../database/page.js';
import { type Keyring, openSecrets, type SealedPlace, sealSecrets } from '../../database/sealing.js';
import { type Change, Table } from '../../database/table.js';
import type { JsonObject } from '../../domain/json.js';
import type { DeployTemplate, TemplateStep } from './deploy-template.entity.js';

/** Secrets in clear: the repository seals them. */
export type TemplateChanges = Partial<Pick<DeployTemplate, 'name' | 'steps' | 'extra'>>;
export type NewTemplate = TemplateChanges & Pick<DeployTemplate, 'uuid' | 'name' | 'steps'>;

/** Every query on deploy templates. Rows come back with secrets masked. */
export class DeployTemplateRepository {
  readonly #table: Table<DeployTemplate>;

  constructor(
    private readonly source: DataSource,
    private readonly keyring: Keyring,
  ) {
    this.#table = new Table<DeployTemplate>(source, 'deploy_template', {
      missing: (ident) => `Deploy template ${ident} could not be found.`,
      taken: {
        deploy_template_name_key: ({ name }) => `A deploy template with name ${name} already exists.`,
        deploy_template_uuid_key: ({ uuid }) => `A deploy template with UUID ${uuid} already exists.`,
      },
    });
  }

  /** @throws ConflictError when the name or uuid is taken */
  create(template: NewTemplate, on?: Queryable): Promise<DeployTemplate> {
    return this.#table.insert(this.#seal(template.uuid, template), on);
  }

  /** @param ident uuid or name */
  find(ident: string): Promise<DeployTemplate | null> {
    return this.#table.find(ident, 'name');
  }

  /** @throws NotFoundError */
  get(ident: string): Promise<DeployTemplate> {
    return this.#table.get(ident, 'name');
  }

  list(page: Page, columns?: readonly string[]): Promise<DeployTemplate[]> {
    return this.#table.list(() => [], page, columns, isUuid(page.marker ?? '') ? 'uuid' : 'name');
  }

  /** The templates with these names, for a deployment. */
  byNames(names: readonly string[]): Promise<DeployTemplate[]> {
    return this.source.query<DeployTemplate[]>(
      `select * from deploy_template where name = any($1) order by id`,
      [names],
    );
  }

  /** The steps with their secrets: for a deployment and for PATCH, never for an answer. */
  stepsOf(template: Pick<DeployTemplate, 'uuid' | 'steps' | 'steps_sealed'>): TemplateStep[] {
    const open = { steps: template.steps } as unknown as JsonObject;
    const whole = openSecrets(this.keyring, open, template.steps_sealed, placeOf(template.uuid));
    return whole['steps'] as unknown as TemplateStep[];
  }

  /** As `Table.editOpened`. @param change gets the steps in clear */
  edit(uuid: string, change: Change<DeployTemplate, TemplateChanges>): Promise<DeployTemplate> {
    return this.#table.editOpened(uuid, change, {
      open: (row) => ({ ...row, steps: this.stepsOf(row) }),
      seal: (changes) => this.#seal(uuid, changes),
    });
  }

  /** @throws NotFoundError */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }

  #seal<T extends TemplateChanges>(uuid: string, changes: T): T & Partial<DeployTemplate> {
    if (!changes.steps) return changes;
    const whole = { steps: changes.steps } as unknown as JsonObject;
    const { open, sealed } = sealSecrets(this.keyring, whole, placeOf(uuid));
    return { ...changes, steps: open['steps'] as unknown as TemplateStep[], steps_sealed: sealed };
  }
}

function placeOf(uuid: string): SealedPlace {
  return { table: 'deploy_template', column: 'steps_sealed', row: uuid };
}

import type { DataSource } from 'typeorm';
import type { Queryable } from '../../database/data-source.js';
import type { Page } from '../../database/page.js';
import { type Keyring, openSecrets, type SealedPlace, sealSecrets } from '../../database/sealing.js';
import { type Change, Table } from '../../database/table.js';
import type { RuleAction, RuleBody, RuleCondition } from '../../domain/inspection-rule/rule.js';
import type { JsonObject } from '../../domain/json.js';
import type { InspectionRule } from './inspection-rule.entity.js';

/** Secrets in clear. Conditions and actions are written as a whole, since `sensitive` decides how they are sealed. */
export type RuleChanges = Partial<Pick<InspectionRule, 'priority' | 'description' | 'phase'>> &
  RuleBody &
  Pick<InspectionRule, 'sensitive'>;
export type NewRule = RuleChanges & Pick<InspectionRule, 'uuid'>;

/** Every query on inspection rules. Rows come back with secrets masked. */
export class InspectionRuleRepository {
  readonly #table: Table<InspectionRule>;

  constructor(
    private readonly source: DataSource,
    private readonly keyring: Keyring,
  ) {
    this.#table = new Table<InspectionRule>(source, 'inspection_rule', {
      missing: (ident) => `Rule ${ident} could not be found.`,
      taken: { inspection_rule_uuid_key: ({ uuid }) => `A rule with UUID ${uuid} already exists.` },
    });
  }

  /** @throws ConflictError when the uuid is taken */
  create(rule: NewRule, on?: Queryable): Promise<InspectionRule> {
    return this.#table.insert(this.#seal(rule.uuid, rule), on);
  }

  /** @throws NotFoundError */
  get(uuid: string): Promise<InspectionRule> {
    return this.#table.get(uuid);
  }

  list(phase: string | null, page: Page, columns?: readonly string[]): Promise<InspectionRule[]> {
    return this.#table.list(
      (parameters) => (phase === null ? [] : [`phase = ${parameters.add(phase)}`]),
      page,
      columns,
    );
  }

  /** The rules of a phase in the order in which they run, highest priority first. */
  ofPhase(phase: string): Promise<InspectionRule[]> {
    return this.source.query<InspectionRule[]>(
      `select * from inspection_rule where phase = $1 order by priority desc, id`,
      [phase],
    );
  }

  /** Conditions and actions with their secrets: for an inspection and for PATCH, never for an answer. */
  bodyOf(rule: Pick<InspectionRule, 'uuid' | 'conditions' | 'actions' | 'sealed'>): RuleBody {
    const open = { conditions: rule.conditions, actions: rule.actions } as unknown as JsonObject;
    return openSecrets(this.keyring, open, rule.sealed, placeOf(rule.uuid)) as unknown as RuleBody;
  }

  /** As `Table.editOpened`. @param change gets conditions and actions in clear */
  edit(uuid: string, change: Change<InspectionRule, RuleChanges>): Promise<InspectionRule> {
    return this.#table.editOpened(uuid, change, {
      open: (row) => ({ ...row, ...this.bodyOf(row) }),
      seal: (changes) => this.#seal(uuid, changes),
    });
  }

  /** @throws NotFoundError */
  delete(uuid: string, on?: Queryable): Promise<void> {
    return this.#table.delete(uuid, on);
  }

  /** @returns the UUIDs of the deleted rules */
  async deleteAll(on: Queryable): Promise<string[]> {
    const [rows] = await on.query<[{ uuid: string }[], number]>(`delete from inspection_rule returning uuid`);
    return rows.map(({ uuid }) => uuid);
  }

  #seal<T extends RuleChanges>(uuid: string, rule: T): T & Partial<InspectionRule> {
    const whole = { conditions: rule.conditions, actions: rule.actions } as unknown as JsonObject;
    const hidden = rule.sensitive ? ['conditions', 'actions'] : [];
    const { open, sealed } = sealSecrets(this.keyring, whole, placeOf(uuid), hidden);
    return {
      ...rule,
      conditions: rule.sensitive ? [] : (open['conditions'] as unknown as RuleCondition[]),
      actions: rule.sensitive ? [] : (open['actions'] as unknown as RuleAction[]),
      sealed,
    };
  }
}

function placeOf(uuid: string): SealedPlace {
  return { table: 'inspection_rule', column: 'sealed', row: uuid };
}

import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import type { PatchOperation } from '../../../domain/node/json-patch.js';
import type { Runbook } from '../../../persistence/runbook/runbook.entity.js';
import { type RunbookChanges, RunbookRepository } from '../../../persistence/runbook/runbook.repository.js';
import type { RuleName } from '../../auth/policy-table.js';
import type { Asked } from '../../request/asked.js';
import { refuseSteps } from '../../resource/kept-steps.js';
import { type Created, type Edit, readCreation, readEdit } from '../../resource/write.js';
import { creationFields, editFields } from './fields.js';

type RunbookFields = ReturnType<typeof editFields>;

/** Creates and edits runbooks as bodies and patches request. */
@Injectable()
export class RunbookEditor {
  constructor(
    private readonly runbooks: RunbookRepository,
    private readonly conductor: Conductor,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Runbook> {
    const values = readCreation('runbook', creationFields(asked.version), body, asked.version);
    refuseSteps(this.conductor, values.steps);
    const given = { ...values, ...ownerOf(values, asked), uuid: values.uuid ?? randomUUID() };
    return this.conductor.records.of('runbook', this.runbooks).create(given, asked.by);
  }

  async patch(found: Runbook, body: unknown, asked: Asked): Promise<Runbook> {
    const edit = readEdit(editFields(asked.version), body, asked.version);
    const change = (runbook: Runbook) => {
      const changes = changesOf(edit, runbook, asked);
      if (changes.steps) refuseSteps(this.conductor, changes.steps);
      return changes;
    };
    return this.conductor.records.of('runbook', this.runbooks).edit(found.uuid, change, asked.by);
  }
}

function changesOf(edit: Edit<RunbookFields>, found: Runbook, asked: Asked): RunbookChanges {
  demandByPath(edit.patch, found, asked);
  const owners = edit.patch.filter(({ op, path }) => path === '/owner' && op !== 'remove');
  const publicity = edit.patch.filter(({ op, path }) => path === '/public' && op !== 'remove');
  const wanted: Json = publicity[0]?.value ?? false;
  if (owners.length > 0 && ((found.public && publicity.length === 0) || wanted)) {
    throw new InvalidError("Couldn't apply patch. Reason: There cannot be an owner for a public runbook");
  }
  const { changes } = edit.apply(found);
  // A change of `public` clears the owner, unless the patch sets one.
  return publicity.length > 0 && owners.length === 0 ? { ...changes, owner: null } : changes;
}

/** A project creates runbooks for itself, not public ones. @throws InvalidError */
function ownerOf(
  { owner = null, public: isPublic = false }: Created<RunbookFields>,
  { scope }: Asked,
): { owner?: string | null } {
  if (scope.isSystem) return {};
  if (owner !== null && owner !== '' && owner !== scope.project) {
    throw new InvalidError(
      'Cannot create a runbook as a project scoped admin with an owner other than your own project.',
    );
  }
  if (scope.project !== null && isPublic) {
    throw new InvalidError('Cannot create a public runbook as a project scoped admin.');
  }
  return { owner: scope.project };
}

/** Changes of `owner` and `public` have rules of their own. @throws ForbiddenError */
function demandByPath(patch: readonly PatchOperation[], { owner }: Runbook, { scope }: Asked): void {
  const ruleOf = (path: string): RuleName => {
    if (path.startsWith('/owner')) return 'baremetal:runbook:update:owner';
    if (path.startsWith('/public')) return 'baremetal:runbook:update:public';
    return 'baremetal:runbook:update';
  };
  const rules = new Set(patch.map(({ path }) => ruleOf(path)));
  if (rules.size === 0) rules.add('baremetal:runbook:update');
  for (const rule of rules) scope.demand(rule, { owner });
}

import { FerricError } from '../../domain/errors.js';
import type { Step } from '../../domain/step/step.js';
import type { NodeChanges } from '../../driver/contract/context.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';
import type { NodeDraft } from './node-draft.js';
import type { Run } from './run.js';

/*
 * Steps that only write rows are committed together. The intent of a step that acts on the outside is committed before
 * it runs, so that after a crash the conductor knows that it may have been done. A step that only reads, and saves only
 * columns of the node's row, needs no such commit: its changes go into the draft, the journal in memory runs ahead of
 * the database (`Run.ahead`), and the next commit writes everything or nothing. A deployment of a fake machine needs a
 * third of the statements that way. Only this file says which steps these are, what they may do and what they may not.
 */

/** Whether the step to run now only writes rows: see `StepDeclaration.inside`. */
export function writesRowsOnly(
  run: Run,
  step: Step,
  find: (all: Interfaces, kind: OperationKind, step: Step) => { readonly inside?: RowsOnly } | undefined,
  interfacesOf: (row: NodeDraft['row']) => Interfaces,
): boolean {
  const { draft, operation } = run;
  let all: Interfaces;
  try {
    all = interfacesOf(draft.row);
  } catch {
    return false; // the run reports what is wrong with the interfaces
  }
  const rowsOnly = step.agent ? all.deploy.agentStepInside : find(all, operation.kind, step)?.inside;
  return rowsOnly?.({ node: draft.node, interfaces: all }) ?? false;
}
type RowsOnly = NonNullable<Interfaces['deploy']['agentStepInside']>;

/** The writing parts of a step's context: they write into the draft. */
export function draftWriting(draft: NodeDraft): Pick<WorkContext, 'node' | 'save'> {
  return {
    get node() {
      return draft.node;
    },
    save: ({ bios_settings, firmware_components, inventory, inspection_report, ...columns }: NodeChanges) => {
      if (bios_settings || firmware_components || inventory || inspection_report) {
        throw new FerricError('internal', 'a step that only writes rows cannot save what other tables hold');
      }
      draft.put(columns);
      return Promise.resolve();
    },
  };
}

/** @throws FerricError internal: a step that is committed with the following ones has no checkpoint to resume from */
export function refuseCheckpoint({ ahead }: Run): void {
  if (ahead) throw new FerricError('internal', 'a step that only writes rows has nothing to come back to');
}

import { FerricError } from '../../domain/errors.js';
import type { Step } from '../../domain/step/step.js';
import type { NodeChanges } from '../../driver/contract/context.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { OperationKind } from '../../persistence/operation/operation.repository.js';
import type { NodeDraft } from './node-draft.js';
import type { Run } from './run.js';

/*
 * Steps that only write rows are committed together. A step that acts on the outside has its intent committed before it
 * runs, so that a conductor that dies in it finds that it may have been done. One that only looks, and saves what the
 * node's row holds, needs none of that: what it saves goes into the draft, the journal runs ahead of the database
 * (`Run.ahead`), and the next commit writes all of it at once, or nothing. A deployment of a fake machine takes a third
 * of the statements by it. Which steps they are, what they may do and what they are refused is here alone.
 */

/** Whether the step that is to run now only writes rows: see `StepDeclaration.inside`. */
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
    return false; // what is wrong with them, its run tells
  }
  const rowsOnly = step.agent ? all.deploy.agentStepInside : find(all, operation.kind, step)?.inside;
  return rowsOnly?.({ node: draft.node, interfaces: all }) ?? false;
}
type RowsOnly = NonNullable<Interfaces['deploy']['agentStepInside']>;

/** The parts of a step's context that write: into the draft. */
export function draftWriting(draft: NodeDraft): Pick<WorkContext, 'node' | 'save'> {
  return {
    get node() {
      return draft.node;
    },
    save: ({ bios_settings, firmware_components, inventory, ...columns }: NodeChanges) => {
      if (bios_settings || firmware_components || inventory) {
        throw new FerricError('internal', 'a step that only writes rows cannot save what other tables hold');
      }
      draft.put(columns);
      return Promise.resolve();
    },
  };
}

/** @throws FerricError internal: a step that is committed with what follows has nothing to come back to */
export function refuseCheckpoint({ ahead }: Run): void {
  if (ahead) throw new FerricError('internal', 'a step that only writes rows has nothing to come back to');
}

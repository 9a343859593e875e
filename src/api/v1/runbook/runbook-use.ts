import { Injectable } from '@nestjs/common';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import type { Runbook } from '../../../persistence/runbook/runbook.entity.js';
import { RunbookRepository } from '../../../persistence/runbook/runbook.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { findNamed } from '../../resource/ident.js';

/** Takes the steps of a verb from a runbook (Ironic: NodeStatesController._handle_runbook). */
@Injectable()
export class RunbookUse {
  constructor(private readonly runbooks: RunbookRepository) {}

  /**
   * Replaces a runbook's name by its steps.
   * @param given body of `PUT states/provision`, whose verb is legal
   * @returns a body without `runbook`
   * @throws NotFoundError, ForbiddenError, InvalidError for a node that the runbook is not approved for
   */
  async expand(
    node: Node,
    given: Readonly<Record<string, unknown>>,
    asked: Asked,
  ): Promise<Record<string, unknown>> {
    const { runbook: named, ...rest } = given;
    const body: Record<string, unknown> = rest;
    if (named === undefined || named === null || named === '') return body;
    if (typeof named !== 'string') throw new InvalidError('Expected string for runbook');
    if (!asked.version.does('runbooks')) throw new FerricError('not-acceptable', 'Request not acceptable.');
    const runbook = await findNamed(this.runbooks, named, asked);
    asked.scope.demand('baremetal:runbook:use', runbook);
    refuseUnapproved(runbook, node, asked);
    const steps = this.runbooks
      .stepsOf(runbook)
      .toSorted((a, b) => a.order - b.order)
      .map(({ order, ...step }) => step);
    for (const target of ['clean', 'service']) {
      if (body['target'] !== target) continue;
      const key = `${target}_steps`;
      if (Array.isArray(body[key]) && body[key].length > 0) {
        throw new InvalidError(`Please provide either "${key}" or a runbook, but not both.`);
      }
      body[key] = steps;
    }
    return { ...body, disable_ramdisk: runbook.disable_ramdisk };
  }
}

/** A node's traits decide which runbooks may run on it. */
function refuseUnapproved(runbook: Runbook, node: Node, { version }: Asked): void {
  if (!version.does('runbookTraits')) {
    if (node.traits.includes(runbook.name)) return;
    throw new InvalidError(
      `This runbook has not been approved for use on this node ${node.uuid}. Please ask an administrator to add it ` +
        'to your node traits.',
    );
  }
  if (runbook.traits.length === 0) {
    throw new InvalidError(
      `Runbook ${runbook.uuid} has no traits configured. Please ask an administrator to add traits to the runbook.`,
    );
  }
  if (runbook.traits.some((trait) => node.traits.includes(trait))) return;
  const traits = runbook.traits.toSorted().map((trait) => `'${shorten(trait)}'`);
  throw new InvalidError(
    `This runbook has not been approved for use on this node ${node.uuid}. The node does not have any of the ` +
      `runbook's traits [${traits.join(', ')}]. Please ask an administrator to add a matching trait to your node.`,
  );
}

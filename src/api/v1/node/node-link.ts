import { Injectable } from '@nestjs/common';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { RuleName } from '../../auth/policy-table.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import type { Edit } from '../../resource/write.js';

/** Access to records that belong to a node, which follows from the access to the node. */
@Injectable()
export class NodeLink {
  constructor(private readonly nodes: NodeRepository) {}

  /**
   * Decides by the route's rule.
   * @param node_uuid the record's node
   * @param missing the message when the record may not be seen
   * @throws NotFoundError, ForbiddenError
   */
  async demandRoute(node_uuid: string, missing: string, { scope }: Asked): Promise<void> {
    if (!scope.isRestricted) return;
    const node = await this.nodes.find(node_uuid);
    if (!node || !scope.allows('baremetal:node:get', node)) throw new NotFoundError(missing);
    scope.demandRoute(node);
  }

  /**
   * Decides whether a record may be created for this node.
   * @throws ForbiddenError before the answer can tell whether the node exists; then InvalidError, as 404 would refer to
   *   the record
   * @param missing makes the message of InvalidError
   */
  async demandOnNew(
    rule: RuleName,
    uuid: Json | undefined,
    { scope }: Asked,
    missing = (shown: string) => `Node ${shown} could not be found.`,
  ): Promise<void> {
    const node = await this.#find(uuid);
    scope.demand(rule, node ?? { owner: null });
    if (!node || !scope.allows('baremetal:node:get', node)) {
      throw new InvalidError(missing(shorten(String(uuid))));
    }
  }

  /**
   * A record moves only to an existing node of the same owner; the error does not tell which of the two failed.
   * @param from uuid of its node
   * @throws InvalidError
   */
  async refuseMove(edit: Edit, from: string, { scope }: Asked): Promise<void> {
    for (const to of edit.valuesOf('node_uuid')) {
      const target = await this.#find(to);
      const owner = (await this.nodes.find(from))?.owner;
      if (!target || target.owner !== owner || !scope.allows('baremetal:node:get', target)) {
        throw new InvalidError(
          `Unable to apply the requested node_uuid '${shorten(String(to))}'. Requested value was invalid.`,
        );
      }
    }
  }

  async #find(uuid: Json | undefined) {
    const canonical = typeof uuid === 'string' ? canonicalUuid(uuid) : null;
    return canonical === null ? null : this.nodes.find(canonical);
  }
}

import { Injectable } from '@nestjs/common';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { canonicalUuid, isHostName, isLogicalName, isUuidLike } from '../../../domain/node/name.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { Target } from '../../auth/who.js';
import { PathRefused } from '../../error/path-refused.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';

type Read<Row> = (ident: string) => Promise<Row | null>;

/** Finds the node that a path or a parameter names. */
@Injectable()
export class NodeFinder {
  constructor(private readonly nodes: NodeRepository) {}

  /**
   * The node, once the route's rule allows the request on it. For a rule that depends on the owner of another object,
   * use `see` and decide by `asked.scope`.
   * @param ident uuid; from 1.5 a name too
   * @throws NotFoundError, ForbiddenError, InvalidError for a text that can be neither
   */
  async find(ident: string, asked: Asked): Promise<Node> {
    return this.findBy(ident, asked, (named) => this.nodes.find(named));
  }

  /** As `find`, for the row that `read` returns. @param read by uuid or name */
  async findBy<Row extends Target>(ident: string, asked: Asked, read: Read<Row>): Promise<Row> {
    const node = await this.#seeBy(ident, asked, read);
    asked.scope.demandRoute(node);
    return node;
  }

  /**
   * The node, if the request may see it. The rule for the action is still open.
   * @throws NotFoundError with the same text for a missing node and for one that may not be seen
   */
  async see(ident: string, asked: Asked): Promise<Node> {
    return this.#seeBy(ident, asked, (named) => this.nodes.find(named));
  }

  async #seeBy<Row extends Target>(ident: string, asked: Asked, read: Read<Row>): Promise<Row> {
    const node = await this.#named(ident, asked, read);
    if (!asked.scope.allows('baremetal:node:get', node)) {
      const uuid = canonicalUuid(ident);
      throw notFound(uuid ?? (asked.jsonSuffix ? `${ident}.json` : ident));
    }
    return node;
  }

  async #named<Row>(ident: string, asked: Asked, read: Read<Row>): Promise<Row> {
    const get = async (named: string) => {
      const node = await read(named);
      if (!node) throw notFound(named);
      return node;
    };
    if (!isUuidLike(ident) && !isLogicalName(ident)) {
      throw new PathRefused(`Expected UUID or name for node: ${shorten(ident)}`);
    }
    const uuid = canonicalUuid(ident);
    if (uuid !== null) return get(uuid);
    const { version } = asked;
    if (!version.does('nodeName')) throw notFound(ident);
    const isName = version.does('unrestrictedName') ? isLogicalName : isHostName;
    if (!isName(ident)) {
      throw new InvalidError(`Expected a logical name or UUID but received ${shorten(ident)}.`);
    }
    if (!asked.jsonSuffix) return get(ident);
    return (await read(ident)) ?? get(`${ident}.json`);
  }
}

function notFound(ident: string): NotFoundError {
  return new NotFoundError(`Node ${shorten(ident)} could not be found.`);
}

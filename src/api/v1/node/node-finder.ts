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
   * The node, once the route's rule allows the request on it. Where that rule speaks of another object's owner than
   * the node's, use `see` and decide by `asked.scope`.
   * @param ident uuid; from 1.5 a name too
   * @throws NotFoundError, ForbiddenError, InvalidError for what can be neither
   */
  async find(ident: string, asked: Asked): Promise<Node> {
    return this.findBy(ident, asked, (named) => this.nodes.find(named));
  }

  /** As `find`, with what somebody reads of it. @param read by uuid or name */
  async findBy<Row extends Target>(ident: string, asked: Asked, read: Read<Row>): Promise<Row> {
    const node = await this.#seeBy(ident, asked, read);
    asked.scope.demandRoute(node);
    return node;
  }

  /**
   * The node, if the request may know of it. What may be done to it is still open.
   * @throws NotFoundError in the same words for a node that does not exist and for one that must not be known
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

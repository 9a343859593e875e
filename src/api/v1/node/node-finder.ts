import { Injectable } from '@nestjs/common';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { canonicalUuid, isHostName, isLogicalName } from '../../../domain/node/name.js';
import type { Node } from '../../../node/node.entity.js';
import { NodeRepository } from '../../../node/node.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten, uuidOrName } from '../../request/value.js';

/** Finds the node that a path or a parameter names. */
@Injectable()
export class NodeFinder {
  constructor(private readonly nodes: NodeRepository) {}

  /**
   * @param ident uuid; from 1.5 a name too
   * @throws NotFoundError, InvalidError for what can be neither
   */
  async find(ident: string, asked: Asked): Promise<Node> {
    uuidOrName('node', ident);
    const uuid = canonicalUuid(ident);
    if (uuid !== null) return this.nodes.get(uuid);
    const { version } = asked;
    if (!version.does('nodeName')) throw new NotFoundError(`Node ${shorten(ident)} could not be found.`);
    const isName = version.does('unrestrictedName') ? isLogicalName : isHostName;
    if (!isName(ident)) {
      throw new InvalidError(`Expected a logical name or UUID but received ${shorten(ident)}.`);
    }
    const node = await this.nodes.find(ident);
    if (node || !asked.jsonSuffix) return node ?? this.nodes.get(ident);
    return this.nodes.get(`${ident}.json`);
  }
}

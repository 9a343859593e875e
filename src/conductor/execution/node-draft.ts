import type { DriverNode } from '../../driver/contract/context.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';

/** Columns that both heartbeats and steps write: a step's save changes only the keys that it changed. */
export const MERGED = ['driver_internal_info', 'instance_info'] as const;

/** A node under its reservation, with the changes that the next commit of the journal writes. */
export class NodeDraft {
  #row: Node;
  #changes: NodeChanges = {};
  #clear: DriverNode | null = null;

  constructor(
    row: Node,
    private readonly nodes: NodeRepository,
  ) {
    this.#row = row;
  }

  /** The row as the database has it. */
  get row(): Node {
    return this.#row;
  }

  /** Changes that are not written yet, secrets in clear. */
  get changes(): NodeChanges {
    return this.#changes;
  }

  /** The node with these changes, secrets in clear. */
  get node(): DriverNode {
    this.#clear ??= { ...clearNode(this.#row, this.nodes), ...this.#changes };
    return this.#clear;
  }

  put(columns: NodeChanges): void {
    this.#changes = { ...this.#changes, ...columns };
    this.#clear = null;
  }

  /** Call with the committed row. */
  written(row: Node): void {
    this.#row = row;
    this.#changes = {};
    this.#clear = null;
  }
}

export function clearNode(node: Node, nodes: NodeRepository): DriverNode {
  return { ...node, ...nodes.withSecrets(node) };
}

import { InvalidError } from '../../../domain/errors.js';
import { isUuidLike } from '../../../domain/node/name.js';
import { shorten } from '../../request/value.js';
import type { Edit } from '../../resource/write.js';

/** Ironic's message for a new volume of a missing node. */
export function noNode(uuid: string): string {
  return `Invalid input for field/attribute node_uuid. Value: '${uuid}'. `;
}

/** @throws InvalidError when a patch sets `node_uuid` to a value that is no uuid */
export function refuseNoUuid(edit: Edit): void {
  for (const value of edit.valuesOf('node_uuid')) {
    if (typeof value !== 'string' || !isUuidLike(value)) {
      throw new InvalidError(`Expected a UUID for node_uuid, but received ${shorten(String(value))}.`);
    }
  }
}

// Messages to and from the store's threads. Bytes pass in shared memory, cut into slots; a slot is free again when
// every lane has read it.
import type { ErrorCode } from '../domain/errors.js';
import type { Inspection } from '../protocol/image-format/inspection.js';

export interface LaneJob {
  path: string;
  /** Bytes already in the file: they are hashed first, and new bytes are appended. */
  offset: number;
  /** One lane writes; the others only hash. */
  writes: boolean;
  algorithms: readonly string[];
  inspects: boolean;
  slots: SharedArrayBuffer;
  slotBytes: number;
}

export interface LaneResult {
  /** Lower-case hex by algorithm. */
  digests: Record<string, string>;
  inspection?: Inspection;
}

export type ToLane =
  | { id: number; open: LaneJob }
  | { id: number; slot: number; length: number }
  | { id: number; finish: true }
  | { id: number; drop: true };

export type FromLane =
  | { id: number; free: number }
  | { id: number; result: LaneResult }
  | { id: number; dropped: true }
  | { id: number; fault: { code: ErrorCode; message: string } };

// Whether an image may be used at all: what its first bytes are, beside what it is declared to be.
import { FerricError } from '../../domain/errors.js';
import { checkDeclared } from '../../protocol/image-format/check.js';
import { inspectImage } from '../../protocol/image-format/inspect.js';
import { HEAD_BYTES, ImageFormatError, type Inspection } from '../../protocol/image-format/inspection.js';
import type { ReadAt } from './disk-contents.js';

export interface Permission {
  permitted: readonly string[];
  /** Bytes of the disk inside. */
  maxVirtualBytes: number;
  /** What the refusal begins with; default: nothing. */
  words?: string;
}

/** The one place where bytes are held against what they are declared to be. @throws FerricError image-refused */
export function judgeImage(
  inspection: Inspection,
  declared: string | undefined,
  { permitted, maxVirtualBytes, words = '' }: Permission,
): void {
  try {
    checkDeclared(inspection, declared, permitted, maxVirtualBytes);
  } catch (error) {
    if (error instanceof ImageFormatError)
      throw new FerricError('image-refused', `${words}${error.message}`, { cause: error });
    throw error;
  }
}

/** The same of an image that lies elsewhere, by its head alone. @throws FerricError image-refused */
export async function judgeHeadOf(
  read: ReadAt,
  declared: string | undefined,
  permission: Permission,
): Promise<void> {
  const head = await read(0, HEAD_BYTES);
  if (head) judgeImage(inspectImage(head), declared, permission);
}

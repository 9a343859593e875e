// Whether an image may be used at all: the format of its first bytes against the declared one.
import { FerricError } from '../../domain/errors.js';
import { checkDeclared } from '../../protocol/image-format/check.js';
import { inspectImage } from '../../protocol/image-format/inspect.js';
import { HEAD_BYTES, ImageFormatError, type Inspection } from '../../protocol/image-format/inspection.js';
import type { ReadAt } from './disk-contents.js';

export interface Permission {
  permitted: readonly string[];
  /** Bytes of the disk inside. */
  maxVirtualBytes: number;
  /** Prefix of the refusal; default: none. */
  words?: string;
}

/** The only comparison of bytes with their declared format. @throws FerricError image-refused */
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

/** The same for a remote image, by its head alone. @throws FerricError image-refused */
export async function judgeHeadOf(
  read: ReadAt,
  declared: string | undefined,
  permission: Permission,
): Promise<void> {
  const head = await read(0, HEAD_BYTES);
  if (head) judgeImage(inspectImage(head), declared, permission);
}

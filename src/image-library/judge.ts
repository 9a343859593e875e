import { isInspected } from '../domain/image/upload.js';
import { judgeImage } from '../image/look/verdict.js';
import type { ImageRecord } from '../persistence/image-record/image-record.entity.js';
import { inspectImage } from '../protocol/image-format/inspect.js';
import { HEAD_BYTES, IMAGE_FORMATS, type Inspection } from '../protocol/image-format/inspection.js';

/** Formats that the first bytes judge completely. */
const BY_HEAD: readonly (string | undefined)[] = ['raw', 'gpt', 'iso', 'qcow2', 'qed', 'luks', undefined];

/** @throws FerricError image-refused for bytes that are unsafe or not of the image's declared format */
export function judge(
  image: Pick<ImageRecord, 'disk_format' | 'container_format'>,
  inspection: Inspection,
  maxVirtualBytes: number,
): void {
  if (!isInspected(image)) return;
  const words = 'The image was refused: ';
  judgeImage(inspection, image.disk_format!, { permitted: IMAGE_FORMATS, maxVirtualBytes, words });
}

/** Inspects the first bytes of an upload as they arrive, so that a wrong image is refused before its end. */
export class HeadWatch {
  readonly #head = new Uint8Array(HEAD_BYTES);
  #filled = 0;

  constructor(
    private readonly image: Pick<ImageRecord, 'disk_format' | 'container_format'>,
    private readonly maxVirtualBytes: number,
  ) {}

  /** @throws FerricError image-refused */
  see(chunk: Uint8Array): void {
    if (this.#filled === HEAD_BYTES) return;
    const part = chunk.subarray(0, HEAD_BYTES - this.#filled);
    this.#head.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < HEAD_BYTES) return;
    const inspection = inspectImage(this.#head);
    // A fixed vhd is recognizable at its end only.
    const fixed = this.image.disk_format === 'vhd' && ['raw', 'gpt'].includes(inspection.format ?? '');
    if (BY_HEAD.includes(inspection.format) && !fixed) judge(this.image, inspection, this.maxVirtualBytes);
  }
}

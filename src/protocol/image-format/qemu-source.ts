import { formatFacts } from './formats.js';

/** A source file as arguments of `qemu-img convert` and `dd`. */
export interface QemuSource {
  /** Options before the file names. */
  options: readonly string[];
  source: string;
}

/**
 * The format is always given, never probed, and so is the size calculation of a VHD: by default QEMU uses the geometry
 * for creators that it does not know, and truncates the disk (QEMU: block/vpc.c, "force_size_calc").
 * @param path absolute, so that QEMU sees no protocol in it
 * @returns undefined for formats that are never opened
 */
export function qemuSource(format: string, path: string): QemuSource | undefined {
  const name = formatFacts(format)?.qemu;
  if (name === undefined) return undefined;
  if (format !== 'vhd') return { options: ['-f', name], source: path };
  const file = `file.driver=file,file.filename=${path.replaceAll(',', ',,')}`;
  return { options: ['--image-opts'], source: `driver=${name},force_size_calc=current_size,${file}` };
}

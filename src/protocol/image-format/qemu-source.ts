import { formatFacts } from './formats.js';

/** How a source is named to `qemu-img convert` and `dd`. */
export interface QemuSource {
  /** Options before the names of files. */
  options: readonly string[];
  source: string;
}

/**
 * The format is given, never guessed, and so is how the size of a VHD is found: by itself QEMU goes by the geometry
 * for makers that it does not know, and cuts the disk (QEMU: block/vpc.c, "force_size_calc").
 * @param path absolute: no protocol to QEMU
 * @returns undefined for formats that are never opened
 */
export function qemuSource(format: string, path: string): QemuSource | undefined {
  const name = formatFacts(format)?.qemu;
  if (name === undefined) return undefined;
  if (format !== 'vhd') return { options: ['-f', name], source: path };
  const file = `file.driver=file,file.filename=${path.replaceAll(',', ',,')}`;
  return { options: ['--image-opts'], source: `driver=${name},force_size_calc=current_size,${file}` };
}

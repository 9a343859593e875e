// Optical discs, made by genisoimage.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * @param boot `none`: files only; `el-torito`: a boot record for optical drives; `hybrid`: also an MBR whose partition
 * is the whole disc, as by isohybrid(1)
 */
export function isoImage(boot: 'none' | 'el-torito' | 'hybrid', ...more: string[]): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'iso-'));
  try {
    writeFileSync(join(dir, 'boot.img'), Buffer.alloc(2048, 0x90));
    const how = boot === 'none' ? [] : ['-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4'];
    const out = join(tmpdir(), `${dir.split('/').at(-1)}.iso`);
    execFileSync('genisoimage', ['-quiet', ...how, ...more, '-o', out, dir], { stdio: 'pipe' });
    const iso = readFileSync(out);
    rmSync(out);
    if (boot === 'hybrid') {
      iso.writeUInt8(0x80, 446);
      iso.writeUInt8(0x17, 450);
      iso.writeUInt32LE(Math.ceil(iso.length / 512), 458);
      iso.writeUInt16LE(0xaa55, 510);
    }
    return iso;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

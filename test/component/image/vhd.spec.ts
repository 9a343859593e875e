import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { convertToRaw } from '../../../src/image/fetch/convert.js';
import { checkDeclared } from '../../../src/protocol/image-format/check.js';
import { inspectImage } from '../../../src/protocol/image-format/inspect.js';
import { AgentUnderTest } from '../../support/agent/agent-under-test.js';
import { diskImage, sha256 } from '../../support/agent/disk-image.js';
import { ImageServer } from '../../support/agent/image-server.js';
import { readBytes } from '../../support/e2e/disk-table.js';

const MIB = 2 ** 20;
const FOOTER = 512;

/** A disk whose last bytes lie behind the last whole cylinder: a reader that goes by CHS cuts them off. */
function disk(): Buffer {
  const bytes = Buffer.concat([diskImage('dos', 16), Buffer.alloc(7 * 512)]);
  bytes.write('the end of the disk', bytes.length - 512);
  return bytes;
}

/** qemu-img's own, with another maker's name in each copy of the footer, and its checksum made anew. */
function vhd(dir: string, kind: 'dynamic' | 'fixed', maker: string): Buffer {
  const path = join(dir, `${kind}.vhd`);
  writeFileSync(join(dir, 'raw'), disk());
  execFileSync('qemu-img', [
    ...['convert', '-f', 'raw', '-O', 'vpc', '-o', `subformat=${kind},force_size=on`, join(dir, 'raw'), path],
  ]);
  const bytes = readFileSync(path);
  for (const at of kind === 'fixed' ? [bytes.length - FOOTER] : [0, bytes.length - FOOTER]) {
    const footer = bytes.subarray(at, at + FOOTER);
    expect(footer.subarray(0, 8).toString()).toBe('conectix');
    footer.write(maker.padEnd(4, '\0'), 28, 'latin1');
    // Cylinders of the geometry, as of a disk that is smaller.
    footer.writeUInt16BE(footer.readUInt16BE(56) - 3, 56);
    footer.writeUInt32BE(0, 64);
    footer.writeUInt32BE(~footer.reduce((sum, byte) => sum + byte, 0) >>> 0, 64);
  }
  return bytes;
}

describe('a VHD whose geometry is smaller than its disk', () => {
  let dir: string;
  let test: AgentUnderTest;
  let server: ImageServer;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'vhd-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  beforeEach(async () => {
    test = await AgentUnderTest.prepare();
    server = await ImageServer.start();
  });
  afterEach(async () => {
    await test.stop();
    await server.stop();
  });

  const cases = (['dynamic', 'fixed'] as const).flatMap((kind) =>
    ['vbox', 'qemu', 'win ', 'abcd', ''].map((maker) => [kind, maker] as const),
  );
  it.each(cases)('%s, by "%s": inspection and conversion go by its current size', async (kind, maker) => {
    const bytes = vhd(dir, kind, maker);
    const inspection = inspectImage(bytes, bytes.subarray(-1536), bytes.length);
    expect(inspection).toMatchObject({ faults: [], virtualSize: disk().length });
    expect(inspection.matches).toContain('vhd');
    expect(() => checkDeclared(inspection, 'vhd', ['vhd'])).not.toThrow();
    expect(() => checkDeclared(inspection, 'vhd', ['raw'])).toThrow('The image is vhd; permitted are raw');
    const [source, target] = [join(dir, 'source,with=comma'), join(dir, 'target')];
    writeFileSync(source, bytes);
    const virtualSize = inspection.virtualSize!;
    const limits = { memory: 2 ** 30, timeout: 60_000 };
    await convertToRaw({ source, format: 'vhd', target, virtualSize }, limits, AbortSignal.timeout(60_000));
    expect(readFileSync(target).subarray(-512).toString()).toMatch(/^the end of the disk/);
  });

  it.each(['dynamic', 'fixed'] as const)('the agent writes all of it (%s)', async (kind) => {
    const { name } = test.machine.addDisk(`${test.dir}/disk`, 5 * 1024 * MIB);
    test.conductor.config = { permitted_image_formats: ['vhd'] };
    await test.start();
    const bytes = vhd(dir, kind, 'abcd');
    server.content.set('disk.vhd', bytes);
    const record = await test.writeImage({
      id: 'image-1',
      urls: [server.url('disk.vhd')],
      disk_format: 'vhd',
      os_hash_algo: 'sha256',
      os_hash_value: sha256(bytes),
    });
    expect(record.command_error).toBeNull();
    const { length } = disk();
    expect(readBytes(name, length - 512, 19).toString()).toBe('the end of the disk');
    expect(readBytes(name, length, 8).toString(), 'no footer behind it').not.toBe('conectix');
  });

  it('a raw disk is one still, whatever footer is behind it', () => {
    const bytes = vhd(dir, 'fixed', 'abcd');
    const inspection = inspectImage(bytes, bytes.subarray(-1536), bytes.length);
    expect(() => checkDeclared(inspection, 'raw', ['raw'])).not.toThrow();
    expect(() => checkDeclared(inspection, undefined, ['raw'])).not.toThrow();
    // A footer that is not sound, or of another size, is none.
    bytes[bytes.length - 1] = 1;
    expect(inspectImage(bytes, bytes.subarray(-1536), bytes.length).matches).toEqual(['gpt']);
  });
});

// The header reader against QEMU's own writer and reader of these formats.
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/platform/run-command.js';
import { createInspector } from '../../../src/protocol/image-format/inspect.js';
import type { Inspection } from '../../../src/protocol/image-format/inspection.js';

const MiB = 1 << 20;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ferric-format-'));
});
afterAll(async () => rm(directory, { recursive: true }));

async function qemu(...args: string[]): Promise<string> {
  return (await runCommand({ file: 'qemu-img', args, timeout: 30_000 })).stdout;
}

async function inspect(path: string): Promise<Inspection> {
  const inspector = createInspector();
  const file = await open(path);
  try {
    const chunk = Buffer.alloc(70_001);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length);
      if (bytesRead === 0) return inspector.result();
      inspector.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

describe('images that qemu-img makes', () => {
  // [name, qemu's format, options, our format, the faults]
  it.each<[string, string, string, string, RegExp | undefined]>([
    ['qcow2', 'qcow2', '', 'qcow2', undefined],
    ['qcow2 0.10', 'qcow2', 'compat=0.10', 'qcow2', undefined],
    ['qcow2 zstd', 'qcow2', 'compression_type=zstd', 'qcow2', undefined],
    ['qcow2 lazy', 'qcow2', 'lazy_refcounts=on', 'qcow2', undefined],
    ['qcow2 2M clusters', 'qcow2', 'cluster_size=2M', 'qcow2', undefined],
    ['qcow2 512 clusters', 'qcow2', 'cluster_size=512', 'qcow2', undefined],
    ['qcow2 extended L2', 'qcow2', 'extended_l2=on', 'qcow2', /unknown qcow2 features/],
    ['qcow2 data file', 'qcow2', 'data_file=DIR/outside.raw', 'qcow2', /external data file/],
    ['qcow2 backing', 'qcow2', 'backing_file=DIR/base.raw,backing_fmt=raw', 'qcow2', /backing file/],
    ['qcow1', 'qcow', '', 'qcow2', /version 1/],
    ['vmdk', 'vmdk', '', 'vmdk', undefined],
    ['vmdk stream', 'vmdk', 'subformat=streamOptimized', 'vmdk', undefined],
    ['vmdk flat', 'vmdk', 'subformat=monolithicFlat', 'vmdk', /other files/],
    ['vmdk split', 'vmdk', 'subformat=twoGbMaxExtentSparse', 'vmdk', /other files/],
    ['vmdk vmfs', 'vmdk', 'subformat=monolithicSparse,compat6=on', 'vmdk', undefined],
    ['vhd', 'vpc', '', 'vhd', undefined],
    ['vhdx', 'vhdx', '', 'vhdx', undefined],
    ['vhdx fixed', 'vhdx', 'subformat=fixed', 'vhdx', undefined],
    ['vdi', 'vdi', '', 'vdi', undefined],
    ['qed', 'qed', '', 'qed', /not supported/],
    ['raw', 'raw', '', 'raw', undefined],
  ])('%s', async (name, format, options, ours, fault) => {
    const path = join(directory, `${name.replaceAll(' ', '-')}.img`);
    await writeFile(join(directory, 'base.raw'), Buffer.alloc(MiB));
    const extra = options ? ['-o', options.replaceAll('DIR', directory)] : [];
    if (name === 'vmdk stream') {
      // Only a converted one has the footer.
      await qemu('convert', '-f', 'raw', '-O', 'vmdk', ...extra, join(directory, 'base.raw'), path);
    } else {
      await qemu('create', '-q', '-f', format, ...extra, path, '10M');
    }
    const seen = await inspect(path);
    expect(seen.format).toBe(ours);
    if (fault) expect(seen.faults.join()).toMatch(fault);
    else {
      const told = JSON.parse(await qemu('info', '--output=json', path)) as {
        'virtual-size': number;
        format: string;
      };
      expect(seen.faults).toEqual([]);
      expect(seen.virtualSize).toBe(told['virtual-size']);
      expect(told.format).toBe(format);
    }
  });

  it('never calls raw what QEMU would open as another format we know', async () => {
    const base = join(directory, 'fuzz-base.img');
    await qemu('create', '-q', '-f', 'qcow2', base, '10M');
    const good = await readFile(base);
    const path = join(directory, 'fuzz.img');
    let seed = 20_261_120;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const opened: string[] = [];
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(good);
      for (let i = 0; i <= random(4); i++) bytes[random(112)] = random(256);
      await writeFile(path, bytes);
      const told = await qemu('info', '--output=json', path).catch(() => '{}');
      const qemuSays = (JSON.parse(told || '{}') as { format?: string }).format;
      const seen = await inspect(path);
      if (qemuSays === 'qcow2') {
        opened.push(qemuSays);
        expect(seen.format).toBe('qcow2');
        if (seen.faults.length === 0)
          expect(seen.virtualSize).toBe((JSON.parse(told) as Record<string, number>)['virtual-size']);
      }
    }
    expect(opened.length).toBeGreaterThan(5);
  });
});

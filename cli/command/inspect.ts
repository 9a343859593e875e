import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { inspectFile } from '../../image-build/inspect/inspect.js';
import type { ImageReport } from '../../image-build/inspect/report.js';
import { FerricError } from '../../src/domain/errors.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { sizeText } from '../terminal/format.js';
import { textTable } from '../terminal/text-table.js';
import { useSession } from './session.js';

export function addInspect(image: Command, shell: Shell): void {
  image
    .command('inspect')
    .argument('<file>', 'an image, a kernel or a ramdisk')
    .description(
      'what a file is, whether it is safe, how it boots, its sums; status 3 for an unsafe one; nothing is mounted',
    )
    .option('--json', 'all of it, for programs')
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { json?: boolean }>();
      const log = join(tmpdir(), `ferric-inspect-${process.pid}.log`);
      const report = await useSession(shell, options, log, (session) => inspectFile(session, file), {
        keepLog: 'failures',
      });
      print(shell, options.json ? JSON.stringify(asJson(report), null, 2) : asText(report));
      if (!report.safe)
        throw new FerricError('image-refused', `${file} is unsafe: ${report.faults.join('; ')}`);
    });
}

/** The report with snake_case keys, as everywhere on the wire. */
function asJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJson);
  if (value === null || typeof value !== 'object') return value;
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [snake(name), asJson(inner) ?? null]),
  );
}

function asText(report: ImageReport): string {
  const { boots, system, partitions } = report;
  const rows: string[][] = [
    ['File', report.file],
    ['Kind', report.kind],
    ['Format', report.format],
    ['Size', `${sizeText(report.size)} (${report.size} bytes)`],
  ];
  if (report.virtualSize !== undefined) rows.push(['Disk inside', sizeText(report.virtualSize)]);
  rows.push(['Safe', report.safe ? 'yes' : `no: ${report.faults.join('; ')}`]);
  if (report.partitionTable !== undefined) rows.push(['Partition table', report.partitionTable]);
  if (['whole-disk', 'partition'].includes(report.kind)) {
    const ways = [boots.bios ? 'BIOS' : '', boots.uefi ? 'UEFI' : ''].filter((way) => way !== '');
    rows.push(['Boots by', ways.join(', ') || 'nothing that was found']);
  }
  for (const note of report.bootNotes) rows.push(['', note]);
  if (system !== undefined) {
    rows.push(['System', system.os ?? 'no os-release']);
    rows.push(['Kernels', system.kernels.join(', ') || 'none in /boot']);
    rows.push(['Ramdisks', system.ramdisks.join(', ') || 'none in /boot']);
  }
  for (const what of report.unseen) rows.push(['Not seen', what]);
  for (const [name, sum] of Object.entries(report.sums)) rows.push([name.toUpperCase(), sum]);
  const facts = textTable(['Field', 'Value'], rows);
  if (partitions.length === 0) return facts;
  const parts = partitions.map(({ number, start, size, role, type, fileSystem, label, name }) => [
    String(number),
    sizeText(start),
    sizeText(size),
    role === 'other' ? type : role,
    fileSystem ?? '',
    label || name,
  ]);
  return `${facts}\n\n${textTable(['Partition', 'Start', 'Size', 'Type', 'File system', 'Label'], parts)}`;
}

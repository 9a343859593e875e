import type { Command } from 'commander';
import { imageApi } from '../api/image-api.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { sizeText } from '../terminal/format.js';
import { textTable } from '../terminal/text-table.js';

export function addImageList(image: Command, shell: Shell): void {
  image
    .command('list')
    .description('the images that the Image service has')
    .option('--json', 'as the Image service tells it')
    .action(async (_options: unknown, command: Command) => {
      const { json, ...options } = command.optsWithGlobals<GlobalOptions & { json?: boolean }>();
      const images = await imageApi(options, shell).list();
      if (json) {
        print(shell, JSON.stringify(images, null, 2));
        return;
      }
      const rows = images.map(({ id, name, status, disk_format, size }) => [
        id,
        name ?? '',
        disk_format ?? '',
        size === null || size === undefined ? '' : sizeText(size),
        status,
      ]);
      print(shell, textTable(['ID', 'Name', 'Format', 'Size', 'Status'], rows));
    });
}

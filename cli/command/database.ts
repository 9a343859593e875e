import type { Command } from 'commander';
import { refuseUnreadable } from '../../image-build/session/input-file.js';
import type { BackupTools } from '../../src/backup/backup.js';
import { loadConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import { createLogger } from '../../src/platform/logger.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';
import { sizeText } from '../terminal/format.js';

const CONFIG = '--config <file>';
const CONFIG_WORDS = 'YAML file with the daemon’s configuration (default: FERRIC_CONFIG, else the defaults)';
/** Milliseconds between two progress lines about one table. */
const PAUSE = 5_000;
/** Greatest number of images that a message lists. */
const NAMED = 5;

/** Commands that run on the daemon's machine and read or fill its database directly. */
export function addDatabaseCommands(program: Command, shell: Shell): void {
  const database = program.command('db').description('dump and restore the daemon’s database');
  database
    .command('dump')
    .argument('<file>', 'written anew, readable for its owner alone')
    .description(
      'write the whole database as of one moment to a file, whether the daemon runs or not; run it as the daemon’s account',
    )
    .option(CONFIG, CONFIG_WORDS)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { dumpDatabase } = await backup();
      const { manifest, rows, size, keyFile } = await dumpDatabase(
        configOf(options, shell),
        file,
        toolsOf(options, shell),
      );
      print(shell, `${file}: ${rows} rows, ${sizeText(size)}, of Ferric ${manifest.ferric}`);
      const keys = manifest.sealed_by.join(', ');
      if (keys)
        print(shell, `Not in it: the key file ${keyFile} (key ${keys}). Keep it, and apart from the dump.`);
      const { files, directory } = manifest.image_store;
      const bytes = files.reduce((sum, { size: one }) => sum + (one ?? 0), 0);
      if (files.length > 0)
        print(shell, `Not in it: ${files.length} images of ${directory}, ${sizeText(bytes)}.`);
    });
  database
    .command('restore')
    .argument('<file>', 'what `ferric db dump` wrote')
    .description(
      'fill an empty database from a dump, with the daemon stopped; run it as the daemon’s account; status 3 where it is not empty',
    )
    .option(CONFIG, CONFIG_WORDS)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      refuseUnreadable(file, 'the dump');
      const { restoreDatabase } = await backup();
      const done = await restoreDatabase(configOf(options, shell), file, toolsOf(options, shell));
      print(
        shell,
        `${done.rows} rows restored, of ${done.manifest.created_at}, Ferric ${done.manifest.ferric}`,
      );
      if (done.keysMissing.length > 0) {
        const keys = done.keysMissing.join(', ');
        print(
          shell,
          `Before the daemon starts, put key ${keys} into ${done.keyFile}: it opens sealed values.`,
        );
      }
      if (done.imagesMissing.length > 0) {
        const named = done.imagesMissing.slice(0, NAMED).join(', ');
        const more = done.imagesMissing.length > NAMED ? ', …' : '';
        print(
          shell,
          `${done.imagesMissing.length} images have no file in ${done.imageStore} (${named}${more}): copy ` +
            `${done.manifest.image_store.directory} there.`,
        );
      }
    });
}

/** Loaded on demand: the other commands need no database client. */
const backup = () => import('../../src/backup/backup.js');

type Options = GlobalOptions & { config?: string };

function configOf({ config }: Options, { environment }: Shell): Config {
  const file = config ?? environment['FERRIC_CONFIG'];
  return loadConfig({ ...(file ? { file } : {}), env: environment });
}

function toolsOf({ quiet }: Options, { stderr, signal }: Shell): BackupTools {
  let told = performance.now();
  return {
    signal,
    log: createLogger('warn', { write: (line) => void stderr.write(line) }),
    progress: (table, rows, isOver) => {
      const now = performance.now();
      if (quiet || rows === 0 || (!isOver && now - told < PAUSE)) return;
      told = now;
      stderr.write(`${table.padEnd(24)} ${String(rows).padStart(12)} rows${isOver ? '' : ' …'}\n`);
    },
  };
}

import { Command } from 'commander';
import { addDatabaseCommands } from './command/database.js';
import { addImageCommands } from './command/image.js';
import { EXIT_STATUSES } from './exit-status.js';
import type { Shell } from './shell.js';

/** The whole command line; the reference page is generated from its help. */
export function createProgram(shell: Shell): Command {
  const program = new Command('ferric')
    .description(
      'Builds, reads and keeps images for bare metal, speaks to a Ferric daemon, and backs up its database.',
    )
    .option(
      '--endpoint <url>',
      'the daemon, or another Image service (default: OS_ENDPOINT, else http://127.0.0.1:6385)',
    )
    .option('--log <file>', 'where a build keeps what its programs print (default: beside the result)')
    .option(
      '--scratch <directory>',
      'where builds put what is gone afterwards (default: TMPDIR, else /var/tmp)',
    )
    .option(
      '--cache <directory>',
      'where builds keep what a later one can use again (default: XDG_CACHE_HOME or ~/.cache, /ferric)',
    )
    .option('-q, --quiet', 'no progress on standard error')
    .version('0.1.0')
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void shell.stdout.write(text),
      writeErr: (text) => void shell.stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `\nExit status:\n${statusLines()}\n`);
  addImageCommands(program, shell);
  addDatabaseCommands(program, shell);
  return program;
}

function statusLines(): string {
  return Object.entries(EXIT_STATUSES)
    .map(([status, meaning]) => `  ${status.padStart(3)}  ${meaning}`)
    .join('\n');
}

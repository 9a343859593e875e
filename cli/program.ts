import { Command } from 'commander';
import { ferricVersion } from '../src/config/version.js';
import { EXIT_STATUSES } from './exit-status.js';
import type { Shell } from './shell.js';

interface Group {
  readonly about: string;
  /** Loaded on demand: a command starts without the modules of the others. */
  readonly load: () => Promise<(program: Command, shell: Shell) => void>;
}

/** The first word of a command line. */
const GROUPS: Readonly<Record<string, Group>> = {
  node: {
    about: 'machines: enrol, look at, deploy, power',
    load: async () => (await import('./command/node.js')).addNodeCommands,
  },
  status: {
    about: 'a fleet at a glance',
    load: async () => (await import('./command/node-read.js')).addStatus,
  },
  image: {
    about: 'images: build, read, keep',
    load: async () => (await import('./command/image.js')).addImageCommands,
  },
  db: {
    about: 'dump and restore the daemon’s database',
    load: async () => (await import('./command/database.js')).addDatabaseCommands,
  },
};

/** Names of the groups, for the reference page. */
export const GROUP_NAMES: readonly string[] = Object.keys(GROUPS);

/**
 * The command line, with the commands of these groups; the others are known by name.
 * @param loaded names of groups, such as the first word of the command line
 */
export async function createProgram(shell: Shell, loaded: readonly string[]): Promise<Command> {
  const program = baseProgram(shell);
  for (const [name, { about, load }] of Object.entries(GROUPS)) {
    if (loaded.includes(name)) (await load())(program, shell);
    else program.command(name).description(about);
  }
  return program;
}

function baseProgram(shell: Shell): Command {
  return new Command('ferric')
    .description(
      'Manages the machines of a Ferric daemon, builds, reads and keeps images for bare metal, and backs up the database.',
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
    .version(ferricVersion())
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void shell.stdout.write(text),
      writeErr: (text) => void shell.stderr.write(text),
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `\nExit status:\n${statusLines()}\n`);
}

function statusLines(): string {
  return Object.entries(EXIT_STATUSES)
    .map(([status, meaning]) => `  ${status.padStart(3)}  ${meaning}`)
    .join('\n');
}

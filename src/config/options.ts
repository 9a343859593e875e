import { Command, CommanderError } from 'commander';
import { ferricVersion } from './version.js';

export interface Options {
  /** YAML file; null: the defaults and the environment alone. */
  file: string | null;
  /** Read the configuration, report whether it is valid, and exit. */
  check: boolean;
}

/** The command line ends the program: help and version with status 0, an invalid usage with 2. */
export class OptionsEnd extends Error {
  constructor(
    readonly status: 0 | 2,
    message: string,
  ) {
    super(message);
  }
}

/**
 * @param args without the program's own name
 * @throws OptionsEnd
 */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Options {
  let text = '';
  const take = (part: string) => {
    text += part;
  };
  const program = new Command('ferric')
    .description(
      'The Ferric daemon: provisions bare-metal machines, and speaks the OpenStack Bare Metal API.',
    )
    .option('--config <file>', 'YAML file with the configuration; default: the variable FERRIC_CONFIG')
    .option('--check', 'read the configuration, say whether it is valid, and end')
    .version(ferricVersion(), '--version', 'print the version and end')
    .helpOption('--help', 'print this and end')
    .addHelpText(
      'after',
      '\nFERRIC_SECTION__KEY variables come before the file. Every key: docs/reference/configuration.md',
    )
    .configureOutput({ writeOut: take, writeErr: take })
    .exitOverride();
  try {
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new OptionsEnd(0, text.trimEnd());
    throw new OptionsEnd(
      2,
      `${text
        .trim()
        .replace(/^error: /, '')
        .replaceAll(/\s+/g, ' ')} (--help tells the options)`,
    );
  }
  const { config, check } = program.opts<{ config?: string; check?: true }>();
  if (config === '')
    throw new OptionsEnd(2, "option '--config <file>' names no file (--help tells the options)");
  return { file: config ?? (env['FERRIC_CONFIG'] || null), check: check ?? false };
}

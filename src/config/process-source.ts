// Imports nothing: a daemon reads it before it starts itself anew, and what it has loaded by then is lost.

export interface ConfigSource {
  /** YAML file; without it the defaults and the environment alone. */
  file?: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The process's own sources: `--config FILE` or FERRIC_CONFIG, then FERRIC_SECTION__KEY variables. */
export function processSource(argv: readonly string[]): ConfigSource {
  const at = argv.indexOf('--config');
  const file = at >= 0 ? argv[at + 1] : process.env['FERRIC_CONFIG'];
  return { ...(file ? { file } : {}), env: process.env };
}

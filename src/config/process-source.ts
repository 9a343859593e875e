// Imports nothing: a daemon reads it before it restarts itself, and modules loaded by then are loaded in vain.

export interface ConfigSource {
  /** YAML file; without it the defaults and the environment alone. */
  file?: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The process's own environment: FERRIC_CONFIG and FERRIC_SECTION__KEY variables are used. */
export function processEnvironment(): ConfigSource['env'] {
  return process.env;
}

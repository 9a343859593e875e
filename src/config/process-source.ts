// Imports nothing: a daemon reads it before it starts itself anew, and what it has loaded by then is lost.

export interface ConfigSource {
  /** YAML file; without it the defaults and the environment alone. */
  file?: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The process's own environment: FERRIC_CONFIG and FERRIC_SECTION__KEY variables are looked at. */
export function processEnvironment(): ConfigSource['env'] {
  return process.env;
}

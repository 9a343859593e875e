import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { FerricError, messageOf } from '../domain/errors.js';
import type { ConfigSource } from './process-source.js';
import { type Config, configSchema } from './schema.js';

/** All faults of the configuration, one line each. */
export class ConfigError extends FerricError {
  constructor(readonly faults: readonly string[]) {
    super(
      'invalid',
      `The configuration has ${faults.length} fault(s):\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    );
  }
}

/**
 * Defaults < YAML file < environment. FERRIC_API__LISTEN__PORT=7000 sets api.listen.port; values are YAML.
 * @throws ConfigError with every fault of every source
 */
export function loadConfig(source: ConfigSource): Config {
  const faults: string[] = [];
  const tree = source.file ? readTree(source.file, faults) : {};
  for (const [name, text] of Object.entries(source.env)) {
    if (text === undefined || !setsKey(name)) continue;
    setPath(tree, name.slice('FERRIC_'.length).toLowerCase().split('__'), text, name, faults);
  }
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      // Never the value: it may be a secret.
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) faults.push(`${[...issue.path, key].join('.')}: no such key`);
      } else {
        faults.push(`${issue.path.join('.') || '(top)'}: ${issue.message}`);
      }
    }
  }
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults);
  const data_dir = resolve(parsed.data.data_dir ?? defaultDataDir());
  return deepFreeze({ ...parsed.data, data_dir });
}

/**
 * Two underscores separate section and key; `data_dir` alone has no section. Names with single underscores belong to
 * others: Kubernetes sets FERRIC_PORT, FERRIC_SERVICE_HOST and more for a service called `ferric`.
 */
function setsKey(name: string): boolean {
  return /^FERRIC_[^_].*__/.test(name) || name === 'FERRIC_DATA_DIR';
}

/** Variables with our prefix that set nothing. */
export function ignoredVariables(env: ConfigSource['env']): string[] {
  const ours = Object.keys(env).filter((name) => name.startsWith('FERRIC_') && name !== 'FERRIC_CONFIG');
  return ours.filter((name) => !setsKey(name)).toSorted();
}

function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/ferric' : resolve(homedir(), '.local/state/ferric');
}

type Tree = Record<string, unknown>;

function readTree(file: string, faults: string[]): Tree {
  try {
    const tree: unknown = parse(readFileSync(file, 'utf8')) ?? {};
    if (typeof tree === 'object' && !Array.isArray(tree)) return tree as Tree;
    faults.push(`${file}: the top must be a mapping`);
  } catch (error) {
    faults.push(`${file}: ${messageOf(error)}`);
  }
  return {};
}

function setPath(tree: Tree, path: string[], text: string, name: string, faults: string[]): void {
  let at: Tree = tree;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    const below = at[key];
    if (typeof below !== 'object' || below === null) {
      faults.push(`${name}: ${key} is a value, not a section`);
      return;
    }
    at = below as Tree;
  }
  try {
    at[path.at(-1)!] = parse(text);
  } catch {
    faults.push(`${name}: is not a YAML value`);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const below of Object.values(value)) deepFreeze(below);
  }
  return value;
}

import { messageOf } from '../../src/domain/errors.js';
import type { Value, Variables } from '../template/template.js';
import { checksumFaults } from './base-checksum.js';
import { PipelineFaults } from './faults.js';
import { isKey, KEY_NAMES, KEYS, type Key, type KeyName } from './keys.js';
import { nearest } from './nearest.js';
import { resolveReferences } from './resolve.js';
import { isMapping, parseYaml } from './yaml.js';

export interface ConfigurationSource {
  /** Name of the file, for messages. */
  file: string;
  text: string;
  /** KEY=VALUE arguments of the command line, which override the file. Values are YAML. */
  set?: Readonly<Record<string, string>>;
  /** Working directory of the command: default of `jenkins_workspace`. */
  workspace: string;
}

/** A pipeline's settings: every key with a value or default, with its references resolved. */
export class Configuration {
  constructor(
    readonly variables: Variables,
    /** Keys that are set but have no effect. */
    readonly dead: readonly { key: KeyName; why: string }[],
  ) {}

  text(name: KeyName): string {
    return String(this.variables[name]);
  }

  optional(name: KeyName): string | undefined {
    const value = this.variables[name];
    return value === undefined || value === null || value === '' ? undefined : String(value);
  }

  flag(name: KeyName): boolean {
    return this.variables[name] === true;
  }

  number(name: KeyName): number {
    return Number(this.variables[name]);
  }

  list(name: KeyName): readonly string[] {
    return (this.variables[name] ?? []) as readonly string[];
  }
}

/**
 * Parses a pipeline's file: keys, defaults, references between keys, and contradictions.
 * @throws PipelineFaults with all faults
 */
export function parseConfiguration(source: ConfigurationSource): Configuration {
  const faults: string[] = [];
  const given = readKeys(source, faults);
  const own = isMapping(given['ferric_variables']) ? given['ferric_variables'] : {};
  for (const name of Object.keys(own)) {
    if (isKey(name)) faults.push(`ferric_variables.${name}: is a key of its own; set it outside`);
    else if (!/^[A-Za-z_]\w*$/.test(name))
      faults.push(`ferric_variables.${name}: not a name that a template can use`);
  }
  const raw: Record<string, unknown> = { jenkins_workspace: source.workspace };
  for (const name of KEY_NAMES) {
    const { initial } = KEYS[name] as Key;
    if (initial !== undefined) raw[name] = initial;
  }
  Object.assign(raw, own, given);
  const resolved = resolveReferences(raw);
  faults.push(...resolved.faults);
  const { variables } = resolved;
  for (const name of KEY_NAMES) {
    if (variables[name] === undefined) continue;
    const typed = conform(KEYS[name], variables[name]);
    if (typed.fault === undefined) variables[name] = typed.value;
    else {
      // A wrong default follows from a wrong key, and that key is reported.
      if (Object.hasOwn(given, name)) faults.push(`${name}: ${typed.fault}`);
      delete variables[name];
    }
  }
  faults.push(...contradictions(variables, given));
  if (faults.length > 0) throw new PipelineFaults(source.file, faults);
  if (variables['publish'] !== undefined) variables['artib_publish'] = variables['publish'];
  const dead = KEY_NAMES.flatMap((key) => {
    const why = (KEYS[key] as Key).dead;
    return why !== undefined && Object.hasOwn(given, key) ? [{ key, why }] : [];
  });
  return new Configuration(variables, dead);
}

function readKeys({ text, set = {} }: ConfigurationSource, faults: string[]): Record<string, unknown> {
  let tree: unknown;
  try {
    tree = parseYaml(text) ?? {};
  } catch (error) {
    faults.push(messageOf(error));
    return {};
  }
  if (!isMapping(tree)) {
    faults.push('the top must be a mapping of keys to values');
    return {};
  }
  const given = { ...tree };
  for (const [name, value] of Object.entries(set)) {
    try {
      given[name] = parseYaml(value);
    } catch (error) {
      faults.push(`--set ${name}: ${messageOf(error)}`);
    }
  }
  for (const name of Object.keys(given)) {
    if (isKey(name)) {
      if (given[name] === null) delete given[name]; // `key:` alone means its default
      continue;
    }
    const near = nearest(name, KEY_NAMES);
    faults.push(`${name}: no such key${near ? `; the nearest is ${near}` : ''}`);
    delete given[name];
  }
  return given;
}

type Conformed = { value: Value; fault?: undefined } | { fault: string };

function conform({ kind }: Key, value: Value): Conformed {
  if (typeof kind === 'object')
    return kind.includes(String(value))
      ? { value }
      : { fault: `must be one of ${kind.join(', ')}, not ${shown(value)}` };
  switch (kind) {
    case 'text':
    case 'template':
      return typeof value === 'object' ? { fault: 'must be a text' } : { value: String(value) };
    case 'boolean': {
      if (typeof value === 'boolean') return { value };
      const word = String(value).toLowerCase();
      if (['true', 'yes', 'on', '1'].includes(word)) return { value: true };
      if (['false', 'no', 'off', '0'].includes(word)) return { value: false };
      return { fault: `must be true or false, not ${shown(value)}` };
    }
    case 'number':
      return /^[1-9]\d{0,8}$/.test(String(value)) && typeof value !== 'object'
        ? { value: BigInt(String(value)) }
        : { fault: `must be a whole number above 0, not ${shown(value)}` };
    case 'templates':
      return typeof value === 'string' ? { value: [value] } : list(value);
    case 'list':
      return list(value);
    case 'map':
      return isMapping(value) ? { value } : { fault: `must be a mapping, not ${shown(value)}` };
    case 'directory':
      return directory(String(value));
    case 'url':
      return /^(https?:\/\/[^/\s]+|file:\/\/\/)\S*$/.test(String(value))
        ? { value: String(value) }
        : { fault: `must be an http://, https:// or file:/// URL, not ${shown(value)}` };
  }
}

function list(value: Value): Conformed {
  if (!Array.isArray(value)) return { fault: `must be a list, not ${shown(value)}` };
  if (value.some((one) => typeof one === 'object')) return { fault: 'must be a list of texts' };
  return { value: value.map(String).filter((one) => one.trim() !== '') };
}

/** Directories of the system that must not be a working directory: a pipeline may not own them. */
const SYSTEM =
  /^\/(bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var|var\/(lib|log|tmp))?$/;

function directory(path: string): Conformed {
  const plain = path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  if (!plain.startsWith('/')) return { fault: `must be an absolute path, not ${shown(path)}` };
  if (plain.split('/').includes('..')) return { fault: `must be a path without "..", not ${shown(path)}` };
  return { value: plain };
}

function contradictions(variables: Variables, given: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  const release = variables['artib_release'];
  const mode = variables['artib_overcloud_build_mode'];
  const isOld = ['mitaka', 'newton'].includes(String(release));
  // Conditions of the role; there, a mismatch silently builds nothing.
  if (mode === 'tripleo_build_images' && !isOld)
    faults.push(
      `artib_overcloud_build_mode: ${mode} builds mitaka and newton only, and artib_release is ${release}`,
    );
  if (mode === 'openstack_overcloud_image_build' && isOld)
    faults.push(`artib_overcloud_build_mode: ${mode} came after newton, and artib_release is ${release}`);
  faults.push(...checksumFaults(variables));
  const workingDir = variables['artib_working_dir'];
  if (typeof workingDir === 'string' && SYSTEM.test(workingDir))
    faults.push(`artib_working_dir: ${workingDir} belongs to the system; name a directory of its own`);
  const { publish, artib_publish } = variables;
  const both = Object.hasOwn(given, 'publish') && Object.hasOwn(given, 'artib_publish');
  if (both && publish !== artib_publish)
    faults.push(`publish and artib_publish mean the same, and are ${publish} and ${artib_publish}`);
  const place = variables['artib_publish_dest_basepath'] ?? '';
  if ((publish ?? artib_publish) === true && place === '' && variables['ferric_image_endpoint'] === undefined)
    faults.push(
      'artib_publish: where to? Set artib_publish_dest_basepath (with a host, or alone) or ferric_image_endpoint',
    );
  if (
    typeof place === 'string' &&
    place !== '' &&
    !place.startsWith('/') &&
    !variables['artib_publish_dest_host']
  )
    faults.push(`artib_publish_dest_basepath: must be absolute on this machine, not ${shown(place)}`);
  for (const name of ['artib_publish_dest_host', 'artib_publish_dest_user'] as const) {
    const value = variables[name];
    // The value becomes an argument of ssh.
    if (value !== undefined && !/^[A-Za-z0-9_][\w.:-]*$/.test(String(value)))
      faults.push(`${name}: not a name that ssh takes: ${shown(value)}`);
  }
  for (const name of ['artib_overcloud_images', 'artib_publish_artifacts'] as const) {
    for (const file of (variables[name] ?? []) as string[]) {
      if (file.includes('/') || file.startsWith('.') || file.startsWith('-'))
        faults.push(`${name}: ${shown(file)} is not the name of a file of the working directory`);
    }
  }
  return faults;
}

function shown(value: Value): string {
  const text = JSON.stringify(value, (_key, below: unknown) =>
    typeof below === 'bigint' ? Number(below) : below,
  );
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

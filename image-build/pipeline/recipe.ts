// A pipeline's file with the scripts, templates and lists that it refers to: the whole input of a run.
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { messageOf } from '../../src/domain/errors.js';
import { readText } from '../session/input-file.js';
import type { Value, Variables } from '../template/template.js';
import { BUILTIN } from './builtin.js';
import { type Configuration, parseConfiguration } from './configuration.js';
import { PipelineFaults } from './faults.js';
import type { KeyName } from './keys.js';
import { type DiskImage, readManifest } from './manifest.js';
import { renderTemplate } from './resolve.js';
import { isMapping, parseYaml } from './yaml.js';

export interface Script {
  key: KeyName;
  /** Path of its template; `(built in) NAME` for a built-in one. */
  from: string;
  /** The rendered template. */
  text: string;
}

export interface Recipe {
  /** Absolute path of the configuration. */
  file: string;
  configuration: Configuration;
  scripts: Readonly<Record<ScriptKey, Script>>;
  manifests: readonly Script[];
  images: readonly DiskImage[];
}

const SCRIPTS = [
  'artib_repo_script',
  'artib_package_install_script',
  'artib_undercloud_convert_script',
  'artib_dib_prepare_script',
  'artib_dib_workaround_script',
  'artib_swapfile_script',
] as const satisfies readonly KeyName[];
export type ScriptKey = (typeof SCRIPTS)[number];

export interface RecipeOptions {
  /** KEY → value overrides of the file. */
  set?: Readonly<Record<string, string>>;
  /** Working directory of the command. */
  workspace: string;
}

/**
 * Reads a configuration and all files that it refers to.
 * @throws PipelineFaults with all faults of all files
 */
export async function readRecipe(path: string, options: RecipeOptions): Promise<Recipe> {
  const file = resolve(path);
  let text: string;
  try {
    text = readText(file, 'the build file');
  } catch (error) {
    throw new PipelineFaults(file, [messageOf(error)]);
  }
  const configuration = parseConfiguration({ file, text, ...options });
  const faults: string[] = [];
  const list = await find(
    'artib_overcloud_package_list',
    configuration.text('artib_overcloud_package_list'),
    file,
    faults,
  );
  const variables = { ...templateVariables(configuration), ...readList(list, configuration, faults) };
  const scripts = {} as Record<ScriptKey, Script>;
  for (const key of SCRIPTS) {
    const script = await rendered(key, configuration.text(key), file, variables, faults);
    if (script) scripts[key] = script;
  }
  const manifests: Script[] = [];
  for (const name of configuration.list('artib_image_yaml_template')) {
    const manifest = await rendered('artib_image_yaml_template', name, file, variables, faults);
    if (manifest) manifests.push(manifest);
  }
  const read = readManifest(manifests.map(({ from, text }) => ({ file: from, text })));
  if (manifests.length > 0) faults.push(...read.faults);
  if (faults.length > 0) throw new PipelineFaults(file, faults);
  return { file, configuration, scripts, manifests, images: read.images };
}

function templateVariables({ variables }: Configuration): Variables {
  const own = variables['ferric_variables'];
  return { ...(isMapping(own) ? (own as Record<string, Value>) : {}), ...variables };
}

type Found = { from: string; text: string };

/** Directories beside the build file, or as in ansible-role-tripleo-image-build beside its folder. */
const LAYOUT = ['.', 'scripts', 'templates', '../scripts', '../templates'];

/** An absolute path, a file in the directories of LAYOUT, or a built-in one. */
async function find(key: KeyName, name: string, file: string, faults: string[]): Promise<Found | undefined> {
  const places = isAbsolute(name) ? [name] : LAYOUT.map((directory) => join(dirname(file), directory, name));
  for (const place of places) {
    try {
      if (existsSync(place)) return { from: place, text: readText(place, key) };
    } catch (error) {
      faults.push(messageOf(error));
      return undefined;
    }
  }
  if (Object.hasOwn(BUILTIN, name)) return { from: `(built in) ${name}`, text: BUILTIN[name]! };
  const ours = isAbsolute(name) ? '' : ` or here, and is none of ours (${Object.keys(BUILTIN).join(', ')})`;
  faults.push(`${key}: ${name} does not exist: looked for ${places.join(', ')}${ours}`);
  return undefined;
}

async function rendered(
  key: KeyName,
  name: string,
  file: string,
  variables: Variables,
  faults: string[],
): Promise<Script | undefined> {
  const found = await find(key, name, file, faults);
  if (!found) return undefined;
  try {
    return { key, from: found.from, text: renderTemplate(found.text, variables) };
  } catch (error) {
    faults.push(`${key}: ${found.from}: ${messageOf(error)}`);
    return undefined;
  }
}

/** The variables of the package list, without those that the configuration itself sets. */
function readList(list: Found | undefined, configuration: Configuration, faults: string[]): Variables {
  if (!list) return {};
  try {
    const tree = parseYaml(list.text) ?? {};
    if (isMapping(tree))
      return Object.fromEntries(
        Object.entries(tree as Variables).filter(([name]) => !Object.hasOwn(configuration.variables, name)),
      );
    faults.push(`artib_overcloud_package_list: ${list.from}: must be a mapping of variables`);
  } catch (error) {
    faults.push(`artib_overcloud_package_list: ${list.from}: ${messageOf(error)}`);
  }
  return {};
}

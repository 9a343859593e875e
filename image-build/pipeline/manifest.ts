// The manifest of disk images, parsed and merged as in tripleo-common: tripleo_common/image/base.py and build.py.
import { messageOf } from '../../src/domain/errors.js';
import { nearest } from './nearest.js';
import { isMapping, parseYaml } from './yaml.js';

export interface DiskImage {
  imagename: string;
  distro: string;
  arch: string;
  type: string;
  /** Extension of disk-image-create's output file; default: the type. */
  imageext: string;
  elements: readonly string[];
  packages: readonly string[];
  options: readonly string[];
  environment: Readonly<Record<string, string>>;
  skipBase: boolean;
  dockerTarget: string | undefined;
}

export interface ManifestFile {
  file: string;
  text: string;
}

type Entry = Record<string, unknown>;

const LISTS = ['elements', 'options', 'packages'] as const;
const KNOWN = [
  'imagename',
  'distro',
  'arch',
  'type',
  'imageext',
  'builder',
  'environment',
  'skip_base',
  'docker_target',
  ...LISTS,
];
/** Values of -t in disk-image-create 3.13. */
const TYPES = ['qcow2', 'tar', 'tgz', 'squashfs', 'vhd', 'docker', 'aci', 'raw'];

/**
 * Images of all files; entries with the same imagename are merged into one. Its lists are appended, its environment is
 * updated, and for other keys the first file's value holds.
 * @returns the images in the order of their first entry, and all faults
 */
export function readManifest(files: readonly ManifestFile[]): { images: DiskImage[]; faults: string[] } {
  const faults: string[] = [];
  const merged = new Map<string, Entry>();
  for (const { file, text } of files) {
    for (const [index, entry] of entriesOf(file, text, faults).entries()) {
      const at = `${file}: disk_images[${index}]`;
      for (const key of Object.keys(entry).filter((name) => !KNOWN.includes(name))) {
        const near = nearest(key, KNOWN);
        faults.push(`${at}.${key}: no such key${near ? `; the nearest is ${near}` : ''}`);
      }
      const name = entry['imagename'];
      if (typeof name !== 'string' || !/^[\w][\w.+-]*$/.test(name)) {
        faults.push(`${at}.imagename: must be the name of a file, without a directory`);
        continue;
      }
      const known = merged.get(name);
      merged.set(name, known ? merge(known, entry) : entry);
    }
  }
  const images = [...merged.values()].flatMap((entry) => {
    const before = faults.length;
    const image = readImage(entry, faults);
    return faults.length === before ? [image] : [];
  });
  if (merged.size === 0 && faults.length === 0)
    faults.push(`${files.map(({ file }) => file).join(', ')}: no disk_images`);
  return { images, faults };
}

/** Command that builds an image; `output` is the directory of the result. */
export function buildCommand(image: DiskImage, output: string): { file: string; args: string[] } {
  const { arch, type, packages, options, distro, elements } = image;
  const args = ['-a', arch, '-o', `${output}/${image.imagename}`, '-t', type];
  if (packages.length > 0) args.push('-p', packages.join(','));
  args.push(...options);
  if (image.skipBase) args.push('-n');
  if (image.dockerTarget !== undefined) args.push('--docker-target', image.dockerTarget);
  return { file: 'disk-image-create', args: [...args, distro, ...elements] };
}

function entriesOf(file: string, text: string, faults: string[]): Entry[] {
  let tree: unknown;
  try {
    tree = parseYaml(text);
  } catch (error) {
    faults.push(`${file}: ${messageOf(error)}`);
    return [];
  }
  const list = isMapping(tree) ? tree['disk_images'] : undefined;
  if (!Array.isArray(list)) {
    faults.push(`${file}: disk_images must be a list of images`);
    return [];
  }
  return list.flatMap((entry: unknown, index) => {
    if (isMapping(entry)) return [entry];
    faults.push(`${file}: disk_images[${index}] must be a mapping`);
    return [];
  });
}

function merge(known: Entry, entry: Entry): Entry {
  const merged = { ...entry, ...known };
  for (const key of LISTS) {
    const lists = [known[key], entry[key]].filter(Array.isArray);
    if (lists.length > 0) merged[key] = lists.flat();
  }
  const { environment } = known;
  if (isMapping(environment) && isMapping(entry['environment']))
    merged['environment'] = { ...environment, ...entry['environment'] };
  return merged;
}

function readImage(entry: Entry, faults: string[]): DiskImage {
  const name = String(entry['imagename']);
  const fault = (key: string, what: string) => faults.push(`${name}.${key}: ${what}`);
  const text = (key: string, initial: string): string => {
    const value = entry[key] ?? initial;
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    fault(key, 'must be a text');
    return initial;
  };
  /** An entry may contain several words: the role's own manifest writes all elements as one. */
  const words = (key: (typeof LISTS)[number], split: (value: string) => string[]): string[] => {
    const value = entry[key] ?? [];
    if (Array.isArray(value) && value.every((one) => ['string', 'number'].includes(typeof one)))
      return value.flatMap((one) => split(String(one)));
    fault(key, 'must be a list of texts');
    return [];
  };
  const spaced = (value: string) => value.split(/\s+/).filter((word) => word !== '');
  const type = text('type', 'qcow2');
  if (entry['distro'] === undefined) fault('distro', 'is required');
  if (!type.split(',').every((one) => TYPES.includes(one)))
    fault('type', `disk-image-create makes ${TYPES.join(', ')}, not ${type}`);
  if (text('builder', 'dib') !== 'dib') fault('builder', 'dib is the only one that there is');
  const environment = entry['environment'] ?? {};
  if (!isMapping(environment)) fault('environment', 'must be a mapping');
  return {
    imagename: name,
    distro: text('distro', '?'),
    arch: text('arch', 'amd64'),
    type,
    imageext: text('imageext', type.split(',')[0]!),
    elements: words('elements', spaced),
    packages: words('packages', spaced),
    options: words('options', (value) => shellWords(value, (what) => fault('options', what))),
    environment: Object.fromEntries(
      Object.entries(isMapping(environment) ? environment : {}).map(([key, value]) => [
        key,
        value === null ? '' : String(value),
      ]),
    ),
    skipBase: ['true', 'yes', 'on', '1', 't', 'y'].includes(String(entry['skip_base']).toLowerCase()),
    dockerTarget: entry['docker_target'] === undefined ? undefined : text('docker_target', ''),
  };
}

/** Splits a command line into words like Python's shlex.split. */
export function shellWords(line: string, fault: (what: string) => void): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (letter === '\\' && quote !== "'") {
      const next = line[++at];
      // Between double quotes, a backslash escapes only these two.
      word = (word ?? '') + (quote === '"' && next !== '"' && next !== '\\' ? '\\' : '') + (next ?? '');
    } else if (letter === quote) quote = undefined;
    else if (quote === undefined && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= '';
    } else if (quote === undefined && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== undefined) fault(`a quotation mark is not closed: ${line}`);
  return word === undefined ? words : [...words, word];
}

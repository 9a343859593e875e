// Inputs and outputs of each step. This module accesses no files.
import { createHash } from 'node:crypto';
import type { KeyName } from './keys.js';
import { buildCommand, type DiskImage } from './manifest.js';
import type { Recipe, ScriptKey } from './recipe.js';
import { STEPS, type StepName } from './step-name.js';

/** A file made by another step. */
export interface Artefact {
  step: StepName;
  name: string;
}

export interface StepSpec {
  number: number;
  name: StepName;
  does: string;
  /** Settings that it depends on: name → text, or its hash. */
  settings: Readonly<Record<string, string>>;
  /** Files of earlier steps. */
  artefacts: readonly Artefact[];
  /** URLs of external files. */
  sources: readonly string[];
  /** Directories whose content it depends on. */
  trees: readonly string[];
  /** Names of its output files, as far as they are known beforehand. */
  outputs: readonly string[];
  /** Name of its log in the working directory. */
  log: string;
}

const MINIMAL = 'minimal-base.qcow2';
const OVERCLOUD = 'overcloud-base.qcow2';
const UNDERCLOUD = 'undercloud-base.qcow2';
export const FINISHED = 'undercloud.qcow2';
export const IMAGE_SUMS = 'SHA256SUMS';

/** Names of the scripts in the working directory, as in the role. */
export const SCRIPT_FILES: Readonly<Record<ScriptKey, string>> = {
  artib_repo_script: 'repo_setup.sh',
  artib_package_install_script: 'package-install.sh',
  artib_undercloud_convert_script: 'undercloud-convert.sh',
  artib_dib_prepare_script: 'dib-prepare-script.sh',
  artib_dib_workaround_script: 'dib-workaround.sh',
  artib_swapfile_script: 'swapfile-create.sh',
};

/** The eleven steps of a recipe, in order. */
export function stepsOf(recipe: Recipe): StepSpec[] {
  const { configuration } = recipe;
  const text = (key: KeyName) => configuration.text(key);
  const script = (key: ScriptKey) => ({ [key]: hashed(recipe.scripts[key].text) });
  const workarounds = configuration.flag('artib_dib_workarounds');
  const overcloudFrom = origin(recipe, text('artib_overcloud_base_image_url'), 'packages');
  const undercloudFrom = origin(recipe, text('artib_undercloud_base_image_url'), 'undercloud-base');
  const manifest = manifestNames(recipe);
  const built = recipe.images.map((image) => ({ step: 'dib-build' as const, name: `${image.imagename}.*` }));
  const parts: Record<StepName, Partial<Omit<StepSpec, 'number' | 'name' | 'does' | 'log'>>> = {
    'base-image': { sources: [text('artib_minimal_base_image_url')], outputs: [MINIMAL] },
    repositories: {
      settings: script('artib_repo_script'),
      artefacts: [{ step: 'base-image', name: MINIMAL }],
      outputs: [MINIMAL],
    },
    packages: { settings: script('artib_package_install_script'), ...overcloudFrom, outputs: [OVERCLOUD] },
    'undercloud-base': { ...undercloudFrom, outputs: [UNDERCLOUD] },
    'undercloud-convert': {
      settings: {
        ...script('artib_undercloud_convert_script'),
        artib_undercloud_disk_size: `${text('artib_undercloud_disk_size')} GiB`,
      },
      artefacts: [{ step: 'undercloud-base', name: UNDERCLOUD }],
      outputs: [UNDERCLOUD],
    },
    'dib-prepare': {
      settings: {
        ...script('artib_dib_prepare_script'),
        artib_image_yaml_template: hashed(recipe.manifests.map(({ text }) => text).join('\0')),
      },
      outputs: manifest,
    },
    'dib-workaround': {
      settings: workarounds ? script('artib_dib_workaround_script') : { artib_dib_workarounds: 'false' },
      artefacts: [{ step: 'packages', name: OVERCLOUD }],
      outputs: [OVERCLOUD],
    },
    'dib-build': {
      settings: Object.fromEntries(
        recipe.images.map((image) => [`image ${image.imagename}`, imageKey(image)]),
      ),
      artefacts: localImages(recipe),
      trees: elementDirectories(recipe.images),
      outputs: recipe.images.map((image) => `${image.imagename}.*`),
    },
    'dib-verify': {
      settings: { artib_overcloud_images: configuration.list('artib_overcloud_images').join(' ') },
      artefacts: built,
      outputs: [IMAGE_SUMS],
    },
    'undercloud-inject': {
      settings: {
        ...script('artib_swapfile_script'),
        artib_overcloud_images: configuration.list('artib_overcloud_images').join(' '),
      },
      artefacts: [{ step: 'undercloud-convert', name: UNDERCLOUD }, ...built],
      outputs: [UNDERCLOUD],
    },
    archive: {
      settings: { artib_virt_sparsify_checktmpdir_flag: text('artib_virt_sparsify_checktmpdir_flag') },
      artefacts: [{ step: 'undercloud-inject', name: UNDERCLOUD }, ...built],
      outputs: [FINISHED, ...recipe.images.map((image) => `${image.imagename}.tar`)].flatMap((name) => [
        name,
        `${name}.md5`,
        `${name}.sha256`,
      ]),
    },
  };
  return STEPS.map(({ number, name, does }) => ({
    number,
    name,
    does,
    settings: {},
    artefacts: [],
    sources: [],
    trees: [],
    outputs: [],
    ...parts[name],
    log: `${String(number).padStart(2, '0')}-${name}.log`,
  }));
}

/** Names of the manifests in the working directory. */
export function manifestNames({ manifests }: Recipe): string[] {
  return manifests.map((_, index) => (index === 0 ? 'dib-manifest.yml' : `dib-manifest-${index + 1}.yml`));
}

export function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Hash of what an image is made from: each image of a step has one, so that it is kept when a later one fails. */
export function imageKey(image: DiskImage): string {
  return hashed(
    JSON.stringify([buildCommand(image, ''), image.imageext, Object.entries(image.environment).sort()]),
  );
}

/** Absolute directories in the images' ELEMENTS_PATH. */
export function elementDirectories(images: readonly DiskImage[]): string[] {
  const all = images.flatMap(({ environment }) => (environment['ELEMENTS_PATH'] ?? '').split(':'));
  return [
    ...new Set(all.filter((path) => path.startsWith('/')).map((path) => path.replace(/(?<=.)\/+$/, ''))),
  ];
}

/** Steps that make images with a name in the working directory, the latest step first. */
const MADE_BY: Readonly<Record<string, readonly StepName[]>> = {
  [MINIMAL]: ['repositories', 'base-image'],
  [OVERCLOUD]: ['dib-workaround', 'packages'],
  [UNDERCLOUD]: ['undercloud-inject', 'undercloud-convert', 'undercloud-base'],
};

/** A URL into the working directory refers to the output of the latest step before `reader`. */
function origin(recipe: Recipe, url: string, reader: StepName): Pick<StepSpec, 'artefacts' | 'sources'> {
  const path = url.startsWith('file://') ? url.slice('file://'.length).replaceAll(/\/+/g, '/') : '';
  const artefact = artefactAt(recipe, path, reader);
  return artefact ? { artefacts: [artefact], sources: [] } : { artefacts: [], sources: [url] };
}

function artefactAt(recipe: Recipe, path: string, reader: StepName): Artefact | undefined {
  const directory = `${recipe.configuration.text('artib_working_dir')}/`;
  if (!path.startsWith(directory)) return undefined;
  const name = path.slice(directory.length);
  const order = STEPS.map((step) => step.name);
  const step = MADE_BY[name]?.find((maker) => order.indexOf(maker) < order.indexOf(reader));
  return step ? { step, name } : undefined;
}

/** Images of earlier steps that manifests refer to in their environment: DIB_LOCAL_IMAGE. */
function localImages(recipe: Recipe): Artefact[] {
  const found = recipe.images
    .flatMap(({ environment }) => Object.values(environment))
    .flatMap((value) => artefactAt(recipe, value.replaceAll(/\/+/g, '/'), 'dib-build') ?? []);
  return [...new Map(found.map((artefact) => [artefact.name, artefact])).values()];
}

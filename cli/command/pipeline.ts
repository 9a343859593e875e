import { type Command, Option } from 'commander';
import {
  BACKENDS,
  type Backend,
  type Plan,
  planPipeline,
  runPipeline,
} from '../../image-build/pipeline/pipeline.js';
import { type Recipe, readRecipe } from '../../image-build/pipeline/recipe.js';
import { imageApi } from '../api/image-api.js';
import { type GlobalOptions, print, type Shell } from '../shell.js';

import { showProgress } from '../terminal/progress.js';
import { textTable } from '../terminal/text-table.js';
import { UsageError } from '../usage-error.js';

interface RecipeFlags {
  set: Record<string, string>;
  step?: string;
  from?: string;
}

/** `ferric image pipeline plan|run CONFIG` */
export function addImagePipeline(image: Command, shell: Shell): void {
  const pipeline = image
    .command('pipeline')
    .description(
      'undercloud and overcloud images by the eleven steps of a TripleO build file (artib_* keys)',
    );
  withRecipe(pipeline.command('plan'))
    .description('lists what a run would do, step by step, and why; nothing is changed')
    .option('--json', 'for programs')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<RecipeFlags & { json?: boolean }>();
      const recipe = await readRecipe(file, { set: flags.set, workspace: process.cwd() });
      const plan = await planPipeline(recipe, flags);
      print(shell, json ? asJson(recipe, plan) : asText(recipe, plan));
    });
  withRecipe(pipeline.command('run'))
    .description('runs the steps whose inputs have changed; after a failure a new run goes on from there')
    .addOption(
      new Option(
        '--backend <name>',
        'what changes images: an appliance of libguestfs, or quicker this kernel itself',
      )
        .choices(BACKENDS)
        .default('guestfs'),
    )
    .option(
      '--no-repository-check',
      'do not ask beforehand whether the repositories that scripts name are there',
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      const flags = command.optsWithGlobals<
        GlobalOptions & RecipeFlags & { backend: Backend; repositoryCheck: boolean }
      >();
      const recipe = await readRecipe(file, { set: flags.set, workspace: process.cwd() });
      tellDead(recipe, shell);
      const endpoint = recipe.configuration.optional('ferric_image_endpoint');
      const say = flags.quiet ? () => undefined : (line: string) => void shell.stderr.write(`${line}\n`);
      const places = await runPipeline(recipe, {
        ...(flags.step === undefined ? {} : { step: flags.step }),
        ...(flags.from === undefined ? {} : { from: flags.from }),
        backend: flags.backend,
        checkRepositories: flags.repositoryCheck,
        signal: shell.signal,
        onEvent: flags.quiet ? () => undefined : showProgress(shell),
        onSkip: ({ number, name, why }) => say(`${`${number} ${name}`.padEnd(24)} skipped: ${why}`),
        ...(endpoint === undefined ? {} : { imageTarget: imageApi({ ...flags, endpoint }, shell) }),
      });
      const directory = recipe.configuration.text('artib_working_dir');
      say(`logs: ${directory}/*.log`);
      for (const place of places) print(shell, place);
      if (places.length === 0) print(shell, directory);
    });
}

function withRecipe(command: Command): Command {
  return command
    .argument('<config>', 'the build file (YAML)')
    .option('--set <key=value>', 'a key, over what the file says; may be repeated', addSetting, {})
    .option('--step <name>', 'this step alone, whether its inputs have changed or not')
    .option('--from <name>', 'this step and all after it');
}

function addSetting(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--set ${text}: is not KEY=VALUE`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function tellDead({ configuration }: Recipe, shell: Shell): void {
  for (const { key, why } of configuration.dead) shell.stderr.write(`${key} has no effect: ${why}\n`);
}

function asText(recipe: Recipe, plan: Plan): string {
  const { configuration } = recipe;
  const rows = plan.steps.map(({ number, name, action, why, does, artefacts, sources, outputs, log }) => [
    String(number),
    name,
    action,
    why,
    does,
    [...sources, ...artefacts.map((artefact) => artefact.name)].join(' ') || '-',
    outputs.slice(0, 3).join(' ') + (outputs.length > 3 ? ` +${outputs.length - 3}` : ''),
    log,
  ]);
  return [
    `working directory: ${configuration.text('artib_working_dir')}`,
    textTable(['#', 'Step', 'Action', 'Why', 'What it does', 'Reads', 'Makes', 'Log'], rows),
    'always: builder-*.log, content-*.csv, artib-logs.tar.gz',
    plan.published === undefined
      ? 'publishing: not asked for'
      : `publishing: ${plan.published ? 'done already' : places(recipe).join(', ')}`,
    ...Object.entries(plan.unreachable).map(
      ([url, why]) => `unreachable: ${why.includes(url) ? why : `${url}: ${why}`}`,
    ),
    ...plan.absent.map((place) => `absent: ${place} of ELEMENTS_PATH; step 6, dib-prepare, has to bring it`),
    ...configuration.dead.map(({ key, why }) => `no effect: ${key} (${why})`),
  ].join('\n');
}

function places({ configuration }: Recipe): string[] {
  const [host, place, endpoint] = (
    ['artib_publish_dest_host', 'artib_publish_dest_basepath', 'ferric_image_endpoint'] as const
  ).map((key) => configuration.optional(key));
  return [
    ...(place === undefined ? [] : [host === undefined ? place : `${host}:${place}`]),
    ...(endpoint === undefined ? [] : [`Image service at ${endpoint}`]),
  ];
}

function asJson(recipe: Recipe, plan: Plan): string {
  const { configuration } = recipe;
  return JSON.stringify(
    {
      working_dir: configuration.text('artib_working_dir'),
      steps: plan.steps.map(
        ({ number, name, does, action, why, settings, artefacts, sources, trees, outputs, log }) => ({
          ...{ number, name, does, action, why },
          inputs: { settings, files: artefacts, sources, trees },
          outputs,
          log,
        }),
      ),
      unreachable: plan.unreachable,
      absent: plan.absent,
      published: plan.published ?? null,
      without_effect: configuration.dead,
    },
    null,
    2,
  );
}

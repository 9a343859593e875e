// A pipeline from its file to its artefacts: the plan, and the run.
import { FerricError, messageOf, NotFoundError } from '../../src/domain/errors.js';
import type { Customiser, Machine } from '../customise/customiser.js';
import { GuestfsCustomiser } from '../customise/guestfs.js';
import { LoopCustomiser } from '../customise/loop.js';
import { MissingToolsError } from '../error.js';
import { BuildSession, type StageEvent } from '../session/build-session.js';
import { collectLogs } from './archive.js';
import type { Configuration } from './configuration.js';
import { type StepSpec, stepsOf } from './graph.js';
import {
  changeOf,
  inputsOf,
  type OutsideHashes,
  type PlannedStep,
  planSteps,
  type Selection,
} from './plan.js';
import { checkPublishing, type ImageTarget, publication, publishArtefacts } from './publish.js';
import type { Recipe } from './recipe.js';
import { checkReachable, identityOf, originsOf, treeHash } from './source.js';
import type { StepName } from './step-name.js';
import { STEP_WORK } from './step-work.js';
import { Workshop } from './workshop.js';

export const BACKENDS = ['guestfs', 'loop'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface Plan {
  steps: PlannedStep[];
  /** Sources that are unreachable now: URL → reason. */
  unreachable: Record<string, string>;
  /** Directories of elements that do not exist now. */
  absent: string[];
  /** Whether the artefacts of the plan are already published; undefined: no publishing is configured. */
  published: boolean | undefined;
}

export interface PipelineOptions extends Selection {
  /** Backend that changes images. */
  backend: Backend;
  signal: AbortSignal;
  onEvent: (event: StageEvent) => void;
  /** Called for each step that is skipped. */
  onSkip: (step: PlannedStep) => void;
  imageTarget?: ImageTarget;
  /** False: repositories named in scripts are not probed beforehand. */
  checkRepositories?: boolean;
}

/** Failure of a step, or of the work after the last one: its name, cause and log. The code is the cause's. */
export class StepFailedError extends FerricError {
  constructor(
    what: string,
    readonly log: string,
    cause: unknown,
  ) {
    super(
      cause instanceof FerricError ? cause.code : 'internal',
      `${what} failed: ${messageOf(cause)}\nAll that it said is in ${log}. A new run goes on from there.`,
      { cause },
    );
  }
}

/** In place of the hash of an absent directory. */
const ABSENT = 'absent';

/** Plan of a run now. Changes nothing. */
export async function planPipeline(recipe: Recipe, selection: Selection = {}): Promise<Plan> {
  const directory = recipe.configuration.text('artib_working_dir');
  const workshop = await Workshop.look(directory);
  const steps = stepsOf(recipe);
  const { outside, unreachable } = await lookOutside(steps, workshop);
  const isWhole = selection.step === undefined && selection.from === undefined;
  const records = isWhole && recipe.configuration.flag('artib_start_over') ? {} : workshop.records;
  const planned = planSteps(steps, records, outside, selection);
  const what = publication(recipe, workshop);
  const runs = planned.some(({ action }) => action === 'run');
  return {
    steps: planned,
    unreachable,
    absent: Object.keys(outside).filter((place) => outside[place] === ABSENT),
    published: what === undefined ? undefined : !runs && workshop.noteOf('published') === what,
  };
}

/**
 * Runs the steps that need it, in order, then collects logs, then publishes if configured.
 * @returns the places of the published artefacts
 * @throws StepFailedError; MissingToolsError, SourceUnreachableError, UnsupportedError before any work
 */
export async function runPipeline(recipe: Recipe, options: PipelineOptions): Promise<string[]> {
  const { configuration } = recipe;
  const isWhole = options.step === undefined && options.from === undefined;
  // All checks that are possible come before a working directory is emptied.
  const { steps, unreachable, absent } = await planPipeline(recipe, options);
  await refuse(recipe, steps, unreachable, options);
  refuseAbsent(steps, absent);
  const workshop = await Workshop.open(
    configuration.text('artib_working_dir'),
    isWhole && configuration.flag('artib_start_over'),
  );
  try {
    const runner = new Runner(recipe, workshop, options);
    try {
      for (const step of steps) await runner.step(step, isWhole);
    } catch (error) {
      if (!options.signal.aborted) await runner.logsAfterFailure();
      throw error;
    }
    await runner.logs();
    return await runner.publish();
  } finally {
    await workshop.close();
  }
}

class Runner {
  constructor(
    private readonly recipe: Recipe,
    private readonly workshop: Workshop,
    private readonly options: PipelineOptions,
  ) {}

  async step(step: PlannedStep, isWhole: boolean): Promise<void> {
    const { workshop, recipe } = this;
    if (step.action !== 'run') return this.options.onSkip(step);
    const { outside } = await lookOutside([step], workshop);
    if (isWhole && changeOf(step, workshop.records, outside) === undefined)
      return this.options.onSkip({ ...step, action: 'skip', why: 'its inputs are the same after all' });
    const started = performance.now();
    await workshop.show(step);
    await this.#session(`step ${step.number}, ${step.name},`, step.log, async (session, customiser) => {
      await session.stage(`${step.number} ${step.name}`, async (stage) => {
        const made = await STEP_WORK[step.name]({ recipe, step, workshop, session, stage, customiser });
        const inputs = inputsOf(step, workshop.records, outside) as Record<string, string>;
        const finishedAt = new Date().toISOString();
        await workshop.keep(
          step,
          made,
          { inputs, finishedAt, elapsed: performance.now() - started },
          session.signal,
        );
      });
    });
  }

  async logs(): Promise<void> {
    await this.#session('collecting the logs', 'artib-logs.log', (session, customiser) =>
      session.stage('logs', () => collectLogs(this.workshop, session, customiser)),
    );
  }

  /** Collects logs after a failure. A failure of the collection is reported beside the first one. */
  async logsAfterFailure(): Promise<void> {
    try {
      await this.logs();
    } catch (error) {
      this.options.onEvent({
        kind: 'failed',
        stage: `logs: ${messageOf(error)}`,
        elapsed: 0,
        cancelled: false,
      });
    }
  }

  async publish(): Promise<string[]> {
    const { workshop, recipe, options } = this;
    const what = publication(recipe, workshop);
    const asked = options.step === undefined || options.step === 'archive';
    if (what === undefined || !asked || workshop.noteOf('published') === what) return [];
    let places: string[] = [];
    await this.#session('publishing', 'publish.log', (session) =>
      session.stage('publish', async (stage) => {
        const done = await publishArtefacts(recipe, workshop, options.imageTarget, stage, session.signal);
        places = done.map(({ place }) => place);
        session.log.note(`published: ${places.join(', ')}`);
      }),
    );
    await workshop.setNote('published', what);
    return places;
  }

  async #session(
    what: string,
    log: string,
    work: (session: BuildSession, customiser: Customiser) => Promise<void>,
  ): Promise<void> {
    const { workshop, options, recipe } = this;
    const logFile = workshop.path(log);
    try {
      await BuildSession.use(
        {
          logFile,
          scratchBase: workshop.ownPath('scratch'),
          signal: options.signal,
          onEvent: options.onEvent,
        },
        (session) => work(session, customiserFor(options.backend, session.scratch, recipe.configuration)),
      );
    } catch (error) {
      if (options.signal.aborted) throw error;
      throw new StepFailedError(what, logFile, error);
    }
  }
}

/** Steps that change or read the content of images. */
const INSIDE: readonly StepName[] = [
  'repositories',
  'packages',
  'undercloud-convert',
  'dib-workaround',
  'undercloud-inject',
  'archive',
];

async function refuse(
  recipe: Recipe,
  steps: readonly PlannedStep[],
  unreachable: Readonly<Record<string, string>>,
  options: PipelineOptions,
): Promise<void> {
  const running = steps.filter(({ action }) => action === 'run');
  const isRunning = (name: StepName) => running.some((step) => step.name === name);
  if (running.some(({ name }) => INSIDE.includes(name))) {
    const missing = customiserFor(options.backend, '/nonexistent', recipe.configuration).missing();
    if (missing.length > 0) throw new MissingToolsError(missing, ` for --backend ${options.backend}`);
  }
  for (const url of running.flatMap(({ sources }) => sources)) {
    // Probed again for the error that this throws.
    if (url in unreachable)
      await identityOf(url, await Workshop.look(recipe.configuration.text('artib_working_dir')));
  }
  if (isRunning('repositories') && options.checkRepositories !== false) {
    const { from, text } = recipe.scripts.artib_repo_script;
    await checkReachable(originsOf(text), `artib_repo_script: ${from}`);
  }
  await checkPublishing(recipe, options.imageTarget);
}

/** Only the script of `dib-prepare` may create directories that are absent. */
function refuseAbsent(steps: readonly PlannedStep[], absent: readonly string[]): void {
  const runs = (name: StepName) => steps.some((step) => step.name === name && step.action === 'run');
  if (absent.length > 0 && runs('dib-build') && !runs('dib-prepare'))
    throw new NotFoundError(`ELEMENTS_PATH names directories that are not there: ${absent.join(', ')}`);
}

async function lookOutside(
  steps: readonly StepSpec[],
  workshop: Workshop,
): Promise<{ outside: OutsideHashes; unreachable: Record<string, string> }> {
  const outside: Record<string, string | undefined> = {};
  const unreachable: Record<string, string> = {};
  for (const url of new Set(steps.flatMap(({ sources }) => sources))) {
    try {
      outside[url] = await identityOf(url, workshop);
    } catch (error) {
      if (!(error instanceof FerricError)) throw error;
      unreachable[url] = error.message;
    }
  }
  for (const tree of new Set(steps.flatMap(({ trees }) => trees)))
    outside[tree] = (await treeHash(tree)) ?? ABSENT;
  return { outside, unreachable };
}

function customiserFor(backend: Backend, scratch: string, configuration: Configuration): Customiser {
  if (backend === 'loop') return new LoopCustomiser(scratch);
  const machine: Machine = {
    memory: configuration.number('artib_vc_ram'),
    processors: configuration.number('artib_vc_cpu'),
    verbose: configuration.flag('artib_vc_verbose'),
    trace: configuration.flag('artib_vc_trace'),
  };
  return new GuestfsCustomiser(scratch, machine, configuration.text('artib_virt_sparsify_checktmpdir_flag'));
}

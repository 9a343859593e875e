import { Worker } from 'node:worker_threads';

/** Lets a worker run TypeScript sources as they are: `./x.js` in an import means `./x.ts` beside it. */
const RESOLVE_SOURCES = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const source = context.parentURL?.endsWith('.ts') && /^\\.{1,2}\\/.*\\.js$/.test(specifier);
    return next(source ? specifier.slice(0, -2) + 'ts' : specifier, context);
  },
});`)}`;

/** MiB. What our threads handle is buffers, outside of these heaps; left alone, each young generation grows to 48. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };

/**
 * A thread that runs a module of ours.
 * @param module as built: `new URL('./x-worker.js', import.meta.url)`. Where the caller itself runs from
 * TypeScript sources (under the test runner) the source beside it is taken.
 */
export function startWorker(module: URL, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(module, { workerData, resourceLimits: LIMITS });
  return new Worker(new URL(module.href.replace(/\.js$/, '.ts')), {
    workerData,
    resourceLimits: LIMITS,
    execArgv: [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--import',
      RESOLVE_SOURCES,
    ],
  });
}

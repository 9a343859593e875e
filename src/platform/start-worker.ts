import { fileURLToPath } from 'node:url';
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

/**
 * MiB. What our threads handle is buffers, outside of these heaps; left alone, each young generation grows to 48. With
 * 8 a download is collected so often that it runs at three quarters of its speed.
 */
const LIMITS = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 256 };

/**
 * How a module of ours is started beside the daemon.
 * @param module as built: `new URL('./x-worker.js', import.meta.url)`. Where the caller itself runs from
 * TypeScript sources (under the test runner) the source beside it is taken.
 */
export function moduleLaunch(module: URL): { module: string; execArgv: string[] } {
  if (!import.meta.url.endsWith('.ts')) return { module: fileURLToPath(module), execArgv: [] };
  return {
    module: fileURLToPath(module).replace(/\.js$/, '.ts'),
    execArgv: [
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--import',
      RESOLVE_SOURCES,
    ],
  };
}

/** A thread that runs a module of ours, as `moduleLaunch` has it. */
export function startWorker(url: URL, workerData: unknown): Worker {
  const { module, execArgv } = moduleLaunch(url);
  const flags = execArgv.length > 0 ? { execArgv } : {};
  return new Worker(module, { workerData, resourceLimits: LIMITS, ...flags });
}

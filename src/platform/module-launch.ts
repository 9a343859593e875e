import { fileURLToPath } from 'node:url';

/** Lets a thread or process run TypeScript sources directly: `./x.js` in an import resolves to `./x.ts` beside it. */
const RESOLVE_SOURCES = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({
  resolve(specifier, context, next) {
    const source = context.parentURL?.endsWith('.ts') && /^\\.{1,2}\\/.*\\.js$/.test(specifier);
    return next(source ? specifier.slice(0, -2) + 'ts' : specifier, context);
  },
});`)}`;

/**
 * How a module of ours is started beside the daemon.
 * @param module as built: `new URL('./x-worker.js', import.meta.url)`. If the caller itself runs from TypeScript
 * sources (under the test runner), the source beside it is used.
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

import { getHeapStatistics } from 'node:v8';

type Environment = Readonly<Record<string, string | undefined>>;

/** By default glibc creates eight arenas per processor, each of which keeps the memory of its peak. */
const ARENAS = '2';
const FLAGS: readonly { name: string; mebibytes: number }[] = [
  // The young generation. By default it grows to 16 MiB, of which three are held, and copying its live objects pauses
  // for up to 250 ms under full load.
  { name: '--max-semi-space-size', mebibytes: 8 },
  // No hard limit: V8 lets a heap with a large limit grow to four times its live size before it collects.
  { name: '--max-old-space-size', mebibytes: 1024 },
];

/**
 * Memory settings that Node.js was not started with, and that cannot change once it runs.
 * @param given V8 flags of this process
 * @param heapLimit V8's own limit in bytes: on a machine or container with little memory it is low already
 * @returns null when nothing is missing; settings that a user made stay as they are
 */
export function missingSettings(
  given: readonly string[],
  env: Environment,
  heapLimit: number,
): { flags: string[]; env: Record<string, string> } | null {
  const known = [...given, ...(env['NODE_OPTIONS'] ?? '').split(/\s+/)].map((flag) =>
    flag.replaceAll('_', '-'),
  );
  const flags = FLAGS.filter(
    ({ name, mebibytes }) =>
      !known.some((flag) => flag === name || flag.startsWith(`${name}=`)) && heapLimit > mebibytes * 2 ** 20,
  ).map(({ name, mebibytes }) => `${name}=${mebibytes}`);
  const arenas: Record<string, string> = env['MALLOC_ARENA_MAX'] ? {} : { MALLOC_ARENA_MAX: ARENAS };
  return flags.length === 0 && Object.keys(arenas).length === 0 ? null : { flags, env: arenas };
}

/**
 * Restarts this program in place, with the same pid, arguments and standard streams, unless Node.js already has the
 * required settings. So they apply however the program is started. Call it first, before anything is opened.
 */
export function settleRuntime(env: Environment): void {
  // A parent that communicates over Node.js's own channel would lose it.
  if (process.connected) return;
  const missing = missingSettings(process.execArgv, env, getHeapStatistics().heap_size_limit);
  if (missing === null) return;
  const defined = Object.entries({ ...env, ...missing.env }).filter(([, value]) => value !== undefined);
  const args = [process.execPath, ...process.execArgv, ...missing.flags, ...process.argv.slice(1)];
  process.execve!(process.execPath, args, Object.fromEntries(defined) as NodeJS.ProcessEnv);
}

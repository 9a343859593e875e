import { getHeapStatistics } from 'node:v8';

type Environment = Readonly<Record<string, string | undefined>>;

/** glibc otherwise makes eight arenas a processor, each of which keeps what its busiest moment needed. */
const ARENAS = '2';
const FLAGS: readonly { name: string; mebibytes: number }[] = [
  // Of the young generation. Left alone it grows to 16, of which three are held, and what lives there is copied in
  // pauses of up to 250 ms when everything is busy.
  { name: '--max-semi-space-size', mebibytes: 8 },
  // Not to stay below: V8 lets a heap that may become large grow to four times of what lives in it before it collects.
  { name: '--max-old-space-size', mebibytes: 1024 },
];

/**
 * What Node.js must be started with and was not: memory settings that cannot be changed once it runs.
 * @param given V8 flags of this process
 * @param heapLimit bytes that V8 allows itself: of a machine or container that has little, it is little already
 * @returns null when nothing is missing; what somebody set otherwise stays as it is
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
 * Starts this program anew in its place, with the same pid, arguments and standard streams, unless Node.js was started
 * as it must be. So the settings hold whoever starts it and however. Call it first, before anything is opened.
 */
export function settleRuntime(env: Environment): void {
  // A parent that talks over Node.js's own channel would lose it.
  if (process.connected) return;
  const missing = missingSettings(process.execArgv, env, getHeapStatistics().heap_size_limit);
  if (missing === null) return;
  const defined = Object.entries({ ...env, ...missing.env }).filter(([, value]) => value !== undefined);
  const args = [process.execPath, ...process.execArgv, ...missing.flags, ...process.argv.slice(1)];
  process.execve!(process.execPath, args, Object.fromEntries(defined) as NodeJS.ProcessEnv);
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Reads what may vanish meanwhile; a process of somebody else, or one that just ended, shows nothing. */
function peek(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Processes other than this one whose environment, arguments or working directory name `mark`. */
function marked(mark: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = peek(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    const rest = [
      peek(() => readlinkSync(`/proc/${pid}/cwd`)),
      peek(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
    ];
    // A process that has ended and waits to be reaped has no command line.
    if (command === '' || ![command, ...rest].some((text) => text.includes(mark))) continue;
    found.push({ pid, command: command.replaceAll('\0', ' ').trim() });
  }
  return found;
}

/**
 * Gives marked processes time to end by themselves, then ends them: what a test started must not outlive it.
 * @param mark a path that only they know, such as their TMPDIR
 * @param patience milliseconds until they count as left behind
 * @returns `pid command` of each that had to be ended
 */
export async function endLeftovers(mark: string, patience: number): Promise<string[]> {
  const late = performance.now() + patience;
  let left = marked(mark);
  while (left.length > 0 && performance.now() < late) {
    await sleep(100);
    left = marked(mark);
  }
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return left.map(({ pid, command }) => `${pid} ${command}`);
}

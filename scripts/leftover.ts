import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Reads a /proc entry; empty for a process that has just ended or that this one may not read. */
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
    // A zombie has no command line.
    if (command === '' || ![command, ...rest].some((text) => text.includes(mark))) continue;
    found.push({ pid, command: command.replaceAll('\0', ' ').trim() });
  }
  return found;
}

/**
 * Waits until marked processes have ended, then kills the rest: nothing that a test started may outlive it.
 * @param mark a path that only these processes know, such as their TMPDIR
 * @param timeout milliseconds to wait before the kill
 * @returns `pid command` of each killed process
 */
export async function endLeftovers(mark: string, timeout: number): Promise<string[]> {
  const late = performance.now() + timeout;
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

import { mkdtemp, rmdir } from 'node:fs/promises';
import { invalidImage } from '../error.js';
import { ProgramError, runProgram } from '../run-program.js';
import { SHUT_IN_SCRIPT } from './shut-in-script.js';

/** A device that the program may see, and the file system UUID under which it looks for it. */
export interface ShownDevice {
  path: string;
  uuid?: string;
  /** Whether it may write to it: what GRUB for BIOS puts before the first partition. */
  writable?: boolean;
}

/** What the script ends with where it could not build a wall; nothing of the image has run then. */
const NO_WALLS = 125;
/** Of all processes together, bytes. grub-mkconfig and its scripts take some 30 MiB. */
const MEMORY = 256 * 2 ** 20;
/** Of each process, seconds. */
const PROCESSOR_SECONDS = 300;

/**
 * Runs a program of a mounted system shut in.
 *
 * The image is the work of a stranger, and its programs would run as root, in the machine of the operator: upstream
 * counts that as CVE-2026-43003. Here it has a root of its own that the old one is detached from, its accounts are
 * nobody's outside, and it has no capability inside either; nothing is writable but the system itself; it has no network,
 * no process but its own, no device but the disk, and bounds of time, memory and processes. One wall that does not stand
 * is a reason not to run it.
 * @param root where it is mounted
 * @param command name, found on the system's own path, and arguments
 * @throws AgentError InvalidImage where it cannot be shut in here; ProgramError
 */
export async function runShutIn(
  root: string,
  devices: readonly ShownDevice[],
  command: readonly string[],
  options: { timeout?: number; memory?: number } = {},
): Promise<string> {
  const shown = devices.map(
    ({ path, uuid, writable }) => `${path}=${writable ? '0660' : '0440'}=${uuid ?? ''}`,
  );
  const { memory = MEMORY, ...limits } = options;
  const stage = await mkdtemp('/tmp/shut-in-');
  const bounds = [String(memory), String(PROCESSOR_SECONDS)];
  try {
    const args = ['-e', SHUT_IN_SCRIPT, root, stage, ...bounds, ...shown, '--', ...command];
    return (await runProgram('perl', args, { ...limits, env: { LC_ALL: 'C' } })).stdout;
  } catch (error) {
    if (error instanceof ProgramError && !hasRun(error)) {
      throw invalidImage(
        `The programs of this image cannot be shut in on this machine, and are not run: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    await rmdir(stage);
  }
}

/** perl itself ends with another status where it is not there or cannot read the script. */
function hasRun({ result }: ProgramError): boolean {
  return result.exitCode !== -1 && !(result.exitCode === NO_WALLS && /^shut-in: /m.test(result.stderr));
}

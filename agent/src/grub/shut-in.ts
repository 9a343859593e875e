import { mkdtemp, rmdir } from 'node:fs/promises';
import { invalidImage } from '../error.js';
import { ProgramError, runProgram } from '../run-program.js';
import { SHUT_IN_SCRIPT } from './shut-in-script.js';

/** A device that the program may see, and the file system UUID by which it finds it. */
export interface ShownDevice {
  path: string;
  uuid?: string;
  /** Whether the program may write to it: GRUB for BIOS writes before the first partition. */
  writable?: boolean;
}

/** The script's exit code when an isolation step failed; no program of the image has run then. */
const NO_WALLS = 125;
/** Bytes for all processes together. grub-mkconfig and its scripts take some 30 MiB. */
const MEMORY = 256 * 2 ** 20;
/** Seconds for each process. */
const PROCESSOR_SECONDS = 300;

/**
 * Runs a program of a mounted system, isolated.
 *
 * The image is untrusted, and its programs would run as root on the operator's machine: upstream treats that as
 * CVE-2026-43003. Here the program has a root of its own, from which the old one is detached; its accounts map to
 * unused ones outside; it has no capability inside either. Only the system itself is writable. It has no network, sees
 * no process but its own and no device but the disk, and has limits of time, memory and processes. If one of these
 * steps fails, the program does not run.
 * @param root mount point of the system
 * @param command name, found on the system's own path, and arguments
 * @throws AgentError InvalidImage when it cannot be isolated here; ProgramError
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

/** perl exits with another status when it is missing or cannot read the script. */
function hasRun({ result }: ProgramError): boolean {
  return result.exitCode !== -1 && !(result.exitCode === NO_WALLS && /^shut-in: /m.test(result.stderr));
}

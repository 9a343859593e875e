import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { FerricError } from '../../domain/errors.js';
import { CommandError, runCommand } from '../../platform/run-command.js';

interface LinkRow {
  addr_info?: { family: string; local: string }[];
}

/**
 * The IPv4 addresses of a network interface, primary first. Node.js leaves out interfaces without a carrier, such as a
 * bridge before its first machine is on: their addresses come from `ip` of iproute2.
 * @throws FerricError when there is no such interface
 */
export async function interfaceAddresses(device: string): Promise<string[]> {
  const found = (networkInterfaces()[device] ?? []).filter((row) => row.family === 'IPv4');
  if (found.length > 0) return found.map((row) => row.address);
  try {
    const { stdout } = await runCommand({
      file: 'ip',
      args: ['-json', '-4', 'address', 'show', 'dev', device],
      timeout: 10_000,
    });
    const rows = JSON.parse(stdout) as LinkRow[];
    return rows.flatMap((row) => (row.addr_info ?? []).map((info) => info.local));
  } catch (error) {
    if (error instanceof CommandError && error.fault === 'exit') {
      throw new FerricError('invalid', `There is no network interface ${device} (netboot.dhcp.interface)`);
    }
    if (error instanceof CommandError && error.fault === 'not-found') return [];
    throw error;
  }
}

/** Errors of the process, not of the interface. */
const STARVED: Readonly<Record<string, string>> = {
  EMFILE: 'the process has no file descriptor left',
  ENFILE: 'the machine has no file descriptor left',
  ENOMEM: 'out of memory',
};

/**
 * The kernel's index of an interface, which changes when it is removed and created again; null while it does not exist.
 * @param read reads a file of sysfs
 * @throws FerricError when the index cannot be read: the interface may still exist
 */
export function interfaceNumber(
  device: string,
  read: (path: string) => string = (path) => readFileSync(path, 'latin1'),
): number | null {
  try {
    return Number(read(`/sys/class/net/${device}/ifindex`));
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    // ENODEV and EINVAL: the interface was removed during the read.
    if (['ENOENT', 'ENOTDIR', 'ENODEV', 'EINVAL'].includes(code)) return null;
    throw new FerricError(
      'unavailable',
      `The network interface ${device} cannot be looked up: ${STARVED[code] ?? code}`,
      { cause: error },
    );
  }
}

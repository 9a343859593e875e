import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Extension } from '../command-board.js';
import { messageOf } from '../error.js';
import { runProgram } from '../run-program.js';
import { tarArchive } from '../tar.js';

/** Name in the archive → command that prints the file. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  dmesg: ['dmesg'],
  ip_addr: ['ip', 'addr'],
  ip_route: ['ip', 'route', 'show', 'table', 'all'],
  lsblk: ['lsblk', '--all', '-o', 'KNAME,MODEL,SIZE,ROTA,TYPE,UUID,PARTUUID,SERIAL,WWN,LOG-SEC,PHY-SEC,TRAN'],
  dmidecode: ['dmidecode'],
  lsmod: ['lsmod'],
  ps: ['ps'],
  df: ['df', '-a'],
  efibootmgr: ['efibootmgr', '-v'],
};
const FILES: Readonly<Record<string, string>> = {
  'ferric-agent.log': '/run/ferric-agent/agent.log',
  meminfo: '/proc/meminfo',
  mounts: '/proc/mounts',
  cpuinfo: '/proc/cpuinfo',
  partitions: '/proc/partitions',
};
const MAX_FILE = 4 * 2 ** 20;

export function logExtension(inventory: () => Promise<unknown>): Extension {
  return {
    collect_system_logs: {
      kind: 'sync',
      run: async () => ({ system_logs: await systemLogs(inventory) }),
    },
  };
}

/** base64 of tar.gz. */
export async function systemLogs(inventory: () => Promise<unknown>): Promise<string> {
  return gzipSync(tarArchive(await collect(inventory))).toString('base64');
}

/** For an unreadable source the file holds the reason: the archive serves to find out why things fail. */
async function collect(inventory: () => Promise<unknown>): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const [name, [file, ...args]] of Object.entries(PROGRAMS)) {
    const text = await runProgram(file!, args, { timeout: 20_000 }).then(
      (result) => result.stdout + result.stderr,
      (error: unknown) => `${messageOf(error)}\n`,
    );
    files.set(name, Buffer.from(text));
  }
  for (const [name, path] of Object.entries(FILES)) {
    files.set(name, await readFile(path).catch((error: unknown) => Buffer.from(`${messageOf(error)}\n`)));
  }
  files.set('inventory.json', Buffer.from(`${JSON.stringify(await inventory(), null, 2)}\n`));
  // The end of a log is the relevant part.
  for (const [name, content] of files)
    files.set(name, content.subarray(Math.max(0, content.length - MAX_FILE)));
  return files;
}

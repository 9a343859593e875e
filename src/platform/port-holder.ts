import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** A process that holds a port. */
export interface PortHolder {
  pid: number;
  /** Base name of its executable. */
  name: string;
}

/** proc(5), /proc/net/tcp: the state of a listening socket. */
const LISTENS = '0A';

/**
 * Processes that hold a port, on any address, in this network namespace: for messages. Processes that this account may
 * not inspect are not found. This process itself is omitted.
 */
export async function holdersOf(protocol: 'tcp' | 'udp', port: number): Promise<PortHolder[]> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    const rows = await readFile(`/proc/net/${table}`, 'latin1').catch(() => '');
    for (const row of rows.split('\n').slice(1)) {
      const fields = row.trim().split(/\s+/);
      if (protocol === 'tcp' && fields[3] !== LISTENS) continue;
      if (Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port) inodes.add(fields[9]!);
    }
  }
  const holders: PortHolder[] = [];
  for (const entry of inodes.size === 0 ? [] : await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid || !(await hasSocket(pid, inodes))) continue;
    // The kernel's name of a process is that of its first thread, which Node.js calls MainThread.
    const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
    if (program !== '') holders.push({ pid, name: basename(program) });
  }
  return holders;
}

async function hasSocket(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  // The process may have ended, or belong to another account.
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** `dnsmasq (pid 12)`, or `another program` if nothing is known of it. */
export async function holderInWords(protocol: 'tcp' | 'udp', port: number): Promise<string> {
  const holders = await holdersOf(protocol, port);
  const words = holders.map(({ name, pid }) => `${name} (pid ${pid})`);
  return words.length === 0 ? 'another program' : words.join(', ');
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provenAccelerator } from '../../../lab/machine/accelerator.js';

export interface VirtualMachine extends AsyncDisposable {
  /** Text of its serial console so far. */
  said(): string;
  /** @param timeout milliseconds @throws Error with the end of the console's text */
  waitFor(pattern: RegExp, timeout: number): Promise<void>;
  type(text: string): void;
}

/** Runs in a network and a mount namespace: DNS and HTTP servers, and the machine. $1: Python's program. */
const ISLAND = `set -e
ip link set lo up
printf 'nameserver 127.0.0.1\\n' > "$2"
mount --bind "$2" /etc/resolv.conf
setpriv --pdeathsig KILL -- /usr/bin/python3 "$1" </dev/null &
shift 2
exec "$@"`;

/**
 * Boots a machine in QEMU, with a NIC behind QEMU's DHCP and the DNS and HTTP servers of \`island.py\`; its writes to
 * the disk are discarded.
 */
export async function bootMachine(args: readonly string[]): Promise<VirtualMachine> {
  const accelerator = await provenAccelerator();
  const place = mkdtempSync(join(tmpdir(), 'ferric-island-'));
  const all = [
    ...['--pdeathsig', 'KILL', '--', 'unshare', '--net', '--mount', '--', 'sh', '-c', ISLAND, 'sh'],
    ...[join(import.meta.dirname, 'island.py'), join(place, 'resolv.conf')],
    ...['qemu-system-x86_64', '-accel', accelerator, '-m', '1024', '-nodefaults'],
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot', '-nic', 'user,model=virtio', ...args],
  ];
  const qemu = spawn('setpriv', all, { stdio: 'pipe' });
  let text = '';
  for (const stream of [qemu.stdout, qemu.stderr])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
  const closed = once(qemu, 'close');
  return {
    said: () => text,
    type: (line) => void qemu.stdin.write(line),
    async waitFor(pattern, timeout) {
      for (const late = performance.now() + timeout; !pattern.test(text); ) {
        if (performance.now() > late || qemu.exitCode !== null)
          throw new Error(`${pattern} was not said; the end: ${text.slice(-2_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async [Symbol.asyncDispose]() {
      qemu.kill('SIGKILL');
      await closed;
      rmSync(place, { recursive: true });
    },
  };
}

/** QEMU arguments for a disk image as the first disk. */
export const diskOf = (image: string): string[] => [
  '-drive',
  `file=${image},if=virtio,format=qcow2,snapshot=on`,
];

/** QEMU arguments for UEFI firmware instead of the BIOS; its variables are not kept. */
export const UEFI: readonly string[] = [
  ...[
    '-machine',
    'q35',
    '-drive',
    'if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd',
  ],
  ...['-drive', 'if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd'],
];

/** Logs in as root on the console, and checks that DHCP has given an address and a DNS server. */
export async function logIn(machine: VirtualMachine, password: string, timeout: number): Promise<void> {
  await machine.waitFor(/ login: /, timeout);
  machine.type('root\n');
  await machine.waitFor(/Password: /, timeout);
  machine.type(`${password}\n`);
  await machine.waitFor(/root@[^\n]*# /, timeout);
  machine.type(
    'for i in $(seq 60); do ip -4 -o addr | grep -q 10.0.2.15 && echo add""ress found && break; sleep 1; done\n',
  );
  await machine.waitFor(/address found/, timeout);
  // By name, with the downloader that every Debian system has.
  machine.type(
    'for i in $(seq 30); do /usr/lib/apt/apt-helper download-file http://mirror.test/hello /tmp/hello && cat /tmp/hello && break; sleep 2; done\n',
  );
  await machine.waitFor(/hello from mirror\.test/, timeout);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../../image-build/process/run.js';

export interface Libvirt extends AsyncDisposable {
  virsh(...args: string[]): Promise<string>;
  /** Defines a machine; it is removed with the daemon, running or not. @param file its XML description */
  define(name: string, file: string): Promise<void>;
}

// Without namespaces, control groups, users and logging daemon of libvirt: a container has none of them.
const QEMU_CONF = `stdio_handler = "file"
security_driver = "none"
namespaces = []
cgroup_controllers = []
user = "root"
group = "root"
`;

/**
 * Debian's libvirtd, with its own settings, machines and network. /dev/kvm is hidden from it: where it opens but does
 * not work, libvirtd would wait for QEMU to detect that at each start.
 */
export async function startLibvirt(): Promise<Libvirt> {
  const home = mkdtempSync(join(tmpdir(), 'ferric-libvirt-'));
  writeFileSync(join(home, 'qemu.conf'), QEMU_CONF);
  const script = `if [ -e /dev/kvm ]; then mount --bind /dev/null /dev/kvm; fi
mount --bind ${home} /etc/libvirt
ip link set lo up
exec libvirtd`;
  const args = ['--pdeathsig', 'TERM', '--', 'unshare', '--net', '--mount', 'sh', '-ec', script];
  const daemon = spawn('setpriv', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  daemon.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const ended = once(daemon, 'close');
  const virsh = (...words: string[]) =>
    run('virsh', ['-c', 'qemu:///system', ...words], { timeout: 300_000 });
  const defined: string[] = [];
  const define = async (name: string, file: string) => {
    await virsh('define', file);
    defined.push(name);
  };
  const dispose = async () => {
    try {
      for (const name of defined) {
        // QEMU outlives libvirtd.
        if ((await virsh('domstate', name)).trim() !== 'shut off') await virsh('destroy', name);
        await virsh('undefine', name);
      }
    } finally {
      daemon.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true });
    }
  };
  for (let tries = 0; ; tries++) {
    try {
      await virsh('version');
      return { virsh, define, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      if (tries < 300 && daemon.exitCode === null) {
        await sleep(200);
        continue;
      }
      await dispose();
      throw new Error(`libvirtd does not answer: ${said.slice(-1_000)}`, { cause: error });
    }
  }
}

/** XML of a machine with one disk, emulated by QEMU. */
export const machineXml = (name: string, disk: string): string => `<domain type='qemu'>
  <name>${name}</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${disk}'/><target dev='vda'/></disk>
  </devices>
</domain>`;

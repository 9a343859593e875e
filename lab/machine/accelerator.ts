import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';

export type Accelerator = 'tcg' | 'kvm';

let proved: Promise<Accelerator> | undefined;

/**
 * 'kvm' only where it has just run a firmware; 'tcg' everywhere else. The mere presence of /dev/kvm says nothing:
 * in nested guests it may open and then abort, or run a hundred times slower than emulation.
 */
export function provenAccelerator(): Promise<Accelerator> {
  proved ??= probe();
  return proved;
}

async function probe(): Promise<Accelerator> {
  const cpu = readFileSync('/proc/cpuinfo', 'latin1');
  if (!/^flags\s*:.*\b(vmx|svm)\b/m.test(cpu)) return 'tcg';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg'; // absent or not ours: emulation needs neither
  }
  return (await firmwareSpeaks()) ? 'kvm' : 'tcg';
}

/** SeaBIOS prints its version to the debug port within milliseconds when the processor truly runs. */
function firmwareSpeaks(): Promise<boolean> {
  return new Promise((resolve) => {
    const debug = [
      '-chardev',
      'stdio,id=debug,signal=off',
      '-device',
      'isa-debugcon,iobase=0x402,chardev=debug',
    ];
    const args = ['-accel', 'kvm', '-cpu', 'host', '-m', '64', '-nodefaults', '-display', 'none', ...debug];
    const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    let spoke = false;
    const deadline = setTimeout(() => qemu.kill('SIGKILL'), 5_000);
    qemu.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      // This line comes late in its start, after memory and devices were set up.
      if (!text.includes('No bootable device') && !text.includes('Booting from')) return;
      spoke = true;
      qemu.kill('SIGKILL');
    });
    qemu.on('error', () => undefined); // 'close' follows
    qemu.on('close', () => {
      clearTimeout(deadline);
      resolve(spoke);
    });
  });
}

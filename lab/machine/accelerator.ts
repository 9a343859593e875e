import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';

export type Accelerator = 'tcg' | 'kvm';

let proved: Promise<Accelerator> | undefined;

/**
 * 'kvm' if a firmware has just run on it; 'tcg' otherwise. The presence of /dev/kvm proves nothing: in nested guests it
 * may open and then abort, or run a hundred times slower than emulation.
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
    return 'tcg'; // absent, or not permitted: emulation needs neither
  }
  return (await firmwareSpeaks()) ? 'kvm' : 'tcg';
}

/** SeaBIOS prints its version to the debug port within milliseconds if the processor really runs. */
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
      // SeaBIOS prints this line late, after it has set up memory and devices.
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

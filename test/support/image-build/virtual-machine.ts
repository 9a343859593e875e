import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { provenAccelerator } from '../../../lab/machine/accelerator.js';

export interface VirtualMachine extends AsyncDisposable {
  /** All that it has said on its serial console. */
  said(): string;
  /** @param patience milliseconds @throws Error with the end of what it said */
  waitFor(pattern: RegExp, patience: number): Promise<void>;
  type(text: string): void;
}

/** Boots something in QEMU, with a network card behind QEMU's own DHCP; what it writes to its disk is thrown away. */
export async function bootMachine(args: readonly string[]): Promise<VirtualMachine> {
  const accelerator = await provenAccelerator();
  const all = [
    ...[
      '--pdeathsig',
      'KILL',
      '--',
      'qemu-system-x86_64',
      '-accel',
      accelerator,
      '-m',
      '1024',
      '-nodefaults',
    ],
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
    async waitFor(pattern, patience) {
      for (const late = performance.now() + patience; !pattern.test(text); ) {
        if (performance.now() > late || qemu.exitCode !== null)
          throw new Error(`${pattern} was not said; the end: ${text.slice(-2_000)}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async [Symbol.asyncDispose]() {
      qemu.kill('SIGKILL');
      await closed;
    },
  };
}

/** A disk image as the first disk. */
export const diskOf = (image: string): string[] => [
  '-drive',
  `file=${image},if=virtio,format=qcow2,snapshot=on`,
];

/** Firmware of UEFI instead of the BIOS; its variables are not kept. */
export const UEFI: readonly string[] = [
  ...[
    '-machine',
    'q35',
    '-drive',
    'if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd',
  ],
  ...['-drive', 'if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd'],
];

/** Logs in on the console as root and looks whether DHCP has given the card an address. */
export async function logIn(machine: VirtualMachine, password: string, patience: number): Promise<void> {
  await machine.waitFor(/ login: /, patience);
  machine.type('root\n');
  await machine.waitFor(/Password: /, patience);
  machine.type(`${password}\n`);
  await machine.waitFor(/root@[^\n]*# /, patience);
  machine.type(
    'for i in $(seq 60); do ip -4 -o addr | grep -q 10.0.2.15 && echo add""ress found && break; sleep 1; done\n',
  );
  await machine.waitFor(/address found/, patience);
}

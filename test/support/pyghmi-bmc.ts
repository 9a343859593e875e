import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.js';

/** Prints each change of power; the boot device is a word of pyghmi's. */
const PROGRAM = `
import sys
from pyghmi.ipmi import bmc
class Machine(bmc.Bmc):
    power = 'off'
    device = 'default'
    def get_power_state(self): return self.power
    def power_off(self): self.power = 'off'; print('power off', flush=True)
    def power_on(self): self.power = 'on'; print('power on', flush=True)
    def power_reset(self): print('reset', flush=True)
    def power_shutdown(self): self.power = 'off'; print('shutdown', flush=True)
    def get_boot_device(self): return self.device
    def set_boot_device(self, device): self.device = device; print('boot ' + device, flush=True)
machine = Machine({'admin': 'secret'}, int(sys.argv[1]))
print('listening', flush=True)
machine.listen()
`;

/** The BMC of Debian's pyghmi: RMCP+ with cipher suite 3, an implementation that shares no code with ours. */
export class PyghmiBmc implements AsyncDisposable {
  /** What it did. */
  readonly done: string[] = [];

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async up(): Promise<PyghmiBmc> {
    const port = await freePort();
    const child = spawn('/usr/bin/python3', ['-c', PROGRAM, String(port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const bmc = new PyghmiBmc(port, child);
    const listening = Promise.withResolvers<void>();
    child.once('exit', () => listening.reject(new Error('pyghmi’s BMC ended')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'listening') listening.resolve();
      else bmc.done.push(line);
    });
    await listening.promise;
    return bmc;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

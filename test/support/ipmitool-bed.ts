import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ipmiSection } from '../../src/config/section/ipmi.js';
import { Ipmitool } from '../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../src/driver/ipmi/ipmitool-link.js';
import { IpmiManagement } from '../../src/driver/ipmi/management.js';
import { IpmiPower } from '../../src/driver/ipmi/power.js';
import { type Command, runCommand } from '../../src/platform/run-command.js';

/** The ipmi driver over the real ipmitool, with the arguments and seconds of each call. */
export class IpmitoolBed {
  readonly directory = mkdtempSync(join(tmpdir(), 'ferric-ipmi-'));
  readonly settings = ipmiSection.parse({
    command_retry_timeout: 8,
    min_response_timeout: 1,
    max_response_timeout: 1,
  });
  /** `duration` in ms. */
  readonly seen: { args: readonly string[]; duration: number }[] = [];
  driver!: ReturnType<IpmitoolBed['build']>;

  /** @param extra settings that differ */
  readonly build = (extra: object = {}) => {
    const { settings, directory } = this;
    const ipmitool = new Ipmitool({
      settings: { ...settings, ...extra },
      runtimeDirectory: directory,
      run: (command) => this.#run(command),
    });
    const link = new IpmitoolLink(ipmitool);
    const management = new IpmiManagement({ link, settings, defaultBootMode: 'uefi' });
    return { ipmitool, link, management, power: new IpmiPower({ link, management }) };
  };

  async start(): Promise<void> {
    this.driver = this.build();
    await this.driver.ipmitool.start();
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #run(command: Command) {
    const started = performance.now();
    try {
      return await runCommand(command);
    } finally {
      this.seen.push({ args: command.args, duration: performance.now() - started });
    }
  }
}

/** A bed that lives as long as the test file that calls this. */
export function useIpmitool(): IpmitoolBed {
  const bed = new IpmitoolBed();
  beforeAll(() => bed.start());
  afterAll(() => bed.remove());
  return bed;
}

import { readFileSync } from 'node:fs';

export interface AgentLog {
  say(line: string): void;
  /** Only with `ipa-debug`. */
  detail(line: string): void;
}

/**
 * One line per event on standard output, which init copies to the consoles and the log file. The times are seconds
 * since the kernel started, so that a console alone shows where the time went.
 */
export class ConsoleLog implements AgentLog {
  constructor(
    private readonly debug: boolean,
    private readonly write: (line: string) => void = (line) => void process.stdout.write(line),
  ) {}

  say(line: string): void {
    // Texts of conductors and image servers may hold line ends and terminal codes: one event must stay one line.
    this.write(`ferric-agent ${uptime()}: ${line.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')}\n`);
  }

  detail(line: string): void {
    if (this.debug) this.say(line);
  }
}

/** Seconds since boot, as in /proc/uptime. */
export function uptime(): string {
  return readFileSync('/proc/uptime', 'utf8').split(' ')[0]!;
}

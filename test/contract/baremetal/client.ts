import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = new URL('client.py', import.meta.url).pathname;

/** What one command printed. */
export interface Printed {
  status: number;
  stdout: string;
  stderr: string;
}

export interface Command {
  /** How it prints; null: as it likes. */
  form: 'list' | 'show' | null;
  options: string[];
}

export const clientEnvironment = (endpoint: string, home: string): Record<string, string> => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: home,
  OS_AUTH_TYPE: 'none',
  OS_ENDPOINT: endpoint,
  COLUMNS: '200',
});

/** Debian's client, unmodified, for as many commands as there are. */
export class BaremetalClient {
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly program: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    /** Every subcommand that the client knows. */
    readonly commands: Readonly<Record<string, Command>>,
  ) {}

  /** @param directory where its commands run: files are named relative to it */
  static async start(endpoint: string, directory: string): Promise<BaremetalClient> {
    const program = spawn('/usr/bin/python3', [PROGRAM], {
      cwd: directory,
      // A client keeps what it knows of servers at home.
      env: clientEnvironment(endpoint, mkdtempSync(join(directory, 'home-'))),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: program.stdout! })[Symbol.asyncIterator]();
    return new BaremetalClient(program, lines, JSON.parse(await lineOf(lines)) as Record<string, Command>);
  }

  /** One after another, in the order of the calls. */
  run(argv: readonly string[], stdin = ''): Promise<Printed> {
    const answer = this.#queue.then(async () => {
      this.program.stdin!.write(`${JSON.stringify({ argv, stdin })}\n`);
      return JSON.parse(await lineOf(this.lines)) as Printed;
    });
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.program.exitCode !== null || this.program.signalCode !== null) return;
    const ended = once(this.program, 'exit');
    this.program.stdin!.end();
    await ended;
  }
}

async function lineOf(lines: AsyncIterator<string>): Promise<string> {
  const next = await lines.next();
  if (next.done) throw new Error('the client’s process ended');
  return next.value;
}

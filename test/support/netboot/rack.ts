import { execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';

export const isRoot = process.getuid?.() === 0;

/** A network of namespaces: one for the server, one for each client, joined by separate links or by one bridge. */
export class Rack {
  readonly name = `netboot-${randomBytes(3).toString('hex')}`;
  readonly directory = mkdtempSync(join(tmpdir(), 'ferric-netboot-'));
  readonly #namespaces: string[] = [];
  readonly #children = new Set<{ kill(): void; ended: Promise<unknown> }>();

  /** Makes a namespace with its loopback up. */
  add(name: string): string {
    const namespace = `${this.name}-${name}`;
    ip('netns', 'add', namespace);
    this.#namespaces.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  }

  /** A veth pair between two namespaces; interface names are at most 15 characters. */
  wire(
    a: { in: string; as: string; ip?: string },
    b: { in: string; as: string; ip?: string; mac?: string },
  ): void {
    ip('-n', a.in, 'link', 'add', a.as, 'type', 'veth', 'peer', 'name', b.as, 'netns', b.in);
    if (b.mac) ip('-n', b.in, 'link', 'set', b.as, 'address', b.mac);
    for (const end of [a, b]) {
      if (end.ip) ip('-n', end.in, 'addr', 'add', end.ip, 'dev', end.as);
      ip('-n', end.in, 'link', 'set', end.as, 'up');
    }
  }

  /** Runs a program in a namespace until it exits; a non-zero exit status is no error. */
  run(namespace: string, command: string[], timeout = 20_000): Promise<{ status: number; output: string }> {
    return new Promise((resolve, reject) => {
      execFile(
        'ip',
        ['netns', 'exec', namespace, ...command],
        { timeout, maxBuffer: 64 * 1024 * 1024, cwd: this.directory },
        (error, stdout, stderr) => {
          const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
          if (error && typeof error.code === 'string') reject(error);
          else resolve({ status, output: `${stdout}${stderr}` });
        },
      );
    });
  }

  /** Starts a Node program in a namespace that prints `ready`, and collects its output. */
  async start(
    namespace: string,
    program: string,
    args: string[],
    options: SpawnOptions = {},
  ): Promise<Started> {
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, program, ...args], {
      ...options,
      stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
    });
    const started: Started = {
      output: '',
      ended: Promise.resolve(),
      kill: () => child.kill(),
      pid: child.pid!,
    };
    started.ended = new Promise((resolve) => child.once('close', resolve));
    this.#children.add(started);
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        started.output += text;
        if (started.output.includes('ready')) ready();
      });
    }
    await Promise.race([isReady, started.ended]);
    if (!started.output.includes('ready')) throw new Error(`did not start: ${started.output}`);
    return started;
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      child.kill();
      await child.ended;
    }
    for (const namespace of this.#namespaces) ip('netns', 'del', namespace);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Started {
  output: string;
  ended: Promise<unknown>;
  pid: number;
  kill(): void;
}

export function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** Bundles a TypeScript program for a child process, into the build folder so that packages resolve. */
export async function bundle(source: string): Promise<string> {
  const file = join(process.cwd(), 'dist', 'test', `${randomBytes(4).toString('hex')}.mjs`);
  await build({
    input: source,
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm' },
    logLevel: 'silent',
  });
  return file;
}

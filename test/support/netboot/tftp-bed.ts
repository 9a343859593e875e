import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { netbootSection } from '../../../src/config/section/netboot.js';
import {
  bootScript,
  configuredFiles,
  Manifest,
  publishedFiles,
} from '../../../src/netboot/published/manifest.js';
import { TftpServer } from '../../../src/netboot/tftp/server.js';
import { createLogger } from '../../../src/platform/logger.js';
import { publishedFor } from '../published.js';

export const NODE = randomUUID();

/** A TFTP server with configured and published files, and its log. */
class TftpBed {
  readonly directory = mkdtempSync(join(tmpdir(), 'ferric-tftp-'));
  server!: TftpServer;
  lines = '';
  /** The node whose address the client has; null: any. */
  holder: string | null = null;
  readonly files: Record<string, Buffer> = {
    small: randomBytes(100),
    empty: Buffer.alloc(0),
    exact: randomBytes(512 * 8),
    large: randomBytes(3_000_001),
    // Over 65535 blocks of 512: the block number rolls over.
    huge: randomBytes(512 * 65_536 + 700),
  };

  async start(): Promise<void> {
    const { directory, files } = this;
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
    symlinkSync('/etc/passwd', join(directory, 'link'));
    const plan: Parameters<typeof publishedFor>[1] = {
      'pxelinux.cfg/01-52-54-00-00-00-01': join(directory, 'small'),
      [`${NODE}/deploy_kernel`]: join(directory, 'large'),
      link: join(directory, 'link'),
      folder: directory,
      generated: {
        kind: 'generated',
        segments: [{ zeros: 700 }, { path: join(directory, 'large'), start: 3, length: 500_000 }],
        size: 500_700,
      },
    };
    const manifest = new Manifest(
      [
        bootScript,
        configuredFiles(Object.fromEntries(Object.keys(files).map((name) => [name, join(directory, name)]))),
        publishedFiles(publishedFor(NODE, plan), [directory]),
      ],
      {
        admits: async () => true,
        speaksFor: async (node_uuid) => this.holder === null || this.holder === node_uuid,
      },
    );
    const log = createLogger('debug', {
      write: (line) => {
        this.lines += line;
      },
    });
    const { tftp } = netbootSection.parse({
      tftp: { listen: '127.0.0.1', port: 0, max_sessions_per_client: 8 },
    });
    this.server = new TftpServer(tftp, manifest, log);
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.directory, { recursive: true });
  }

  readonly run = (
    program: string,
    args: string[],
    input?: string,
  ): Promise<{ status: number; output: string }> =>
    new Promise((resolve) => {
      const options = { timeout: 60_000, cwd: this.directory };
      const child = execFile(program, args, options, (error, stdout, stderr) =>
        resolve({ status: error ? Number(error.code ?? -1) : 0, output: `${stdout}${stderr}` }),
      );
      child.stdin!.end(input);
    });

  /** @returns what the client wrote to the file OUT of its arguments or input, or its exit status */
  readonly fetched = async (program: string, args: string[], input?: string): Promise<Buffer | number> => {
    const out = join(this.directory, `out.${randomUUID()}`);
    const text = input?.replace('OUT', out);
    const own = args.map((arg) => (arg === 'OUT' ? out : arg));
    const { status } = await this.run(program, own, text);
    if (status !== 0) return status;
    return statSync(out, { throwIfNoEntry: false }) ? readFileSync(out) : -1;
  };

  readonly whole = (got: Buffer | number, name: string) =>
    got instanceof Buffer && got.equals(this.files[name]!);

  readonly url = (name: string) => `tftp://127.0.0.1:${this.server.port}/${name}`;

  readonly curl = (name: string, ...args: string[]) =>
    this.fetched('curl', ['-sS', '-o', 'OUT', ...args, this.url(name)]);

  readonly atftp = (name: string, ...options: string[]) => {
    const chosen = options.flatMap((option) => ['--option', option]);
    return this.fetched('atftp', [
      ...chosen,
      ...['-g', '-r', name, '-l', 'OUT', '127.0.0.1', String(this.server.port)],
    ]);
  };

  readonly hpa = (name: string) =>
    this.fetched('tftp', ['-m', 'binary', '127.0.0.1', String(this.server.port), '-c', 'get', name, 'OUT']);
}

/** A bed that lives as long as the test file that calls this. */
export function tftpBed(): TftpBed {
  const bed = new TftpBed();
  beforeAll(() => bed.start());
  afterAll(() => bed.stop());
  return bed;
}

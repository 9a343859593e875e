import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { loopDevicesOf, mountsBelow } from '../../../image-build/session/leftover.js';
import { ferric } from '../cli/command-line.js';

/** Root's password in the images that are built here. */
export const PASSWORD = 'by-the-serial-console';

/** Cache of installed packages, for all specs that build images. */
export const CACHE = resolve('.lab/cache/image-build');

/** A directory for building images. */
export class Workplace {
  readonly home: string;

  constructor(name: string) {
    this.home = mkdtempSync(join(tmpdir(), `ferric-${name}-`));
    writeFileSync(this.path('password'), `${PASSWORD}\n`);
  }

  path(...names: string[]): string {
    return join(this.home, ...names);
  }

  /** Runs `ferric image build …` and checks the sums. @returns its output */
  async build(what: 'user' | 'deploy', name: string, ...args: string[]): Promise<string> {
    const places = ['--scratch', this.path('scratch'), '--cache', CACHE, '-o', this.path(name)];
    const { status, stderr } = await ferric(['image', 'build', what, ...places, ...args]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    this.checkSums(name);
    this.expectClean();
    return stderr;
  }

  /** A whole disk by `direct` with the cloud kernel and root's password: seconds if it was built before. */
  buildDisk(name: string, ...args: string[]): Promise<string> {
    return this.build(
      'user',
      name,
      ...['--backend', 'direct', '--type', 'whole-disk', '--kernel', 'cloud'],
      ...['--element', 'dhcp-all-interfaces', '--root-password-file', this.path('password'), ...args],
    );
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  async inspect(name: string): Promise<any> {
    const { stdout } = await ferric(['image', 'inspect', '--json', this.path(name)]);
    return JSON.parse(stdout);
  }

  checkSums(name: string): void {
    execFileSync('sha256sum', ['--check', '--strict', `${name}.sha256`], { cwd: this.home, stdio: 'pipe' });
  }

  /** Checks that a build has left nothing but its files. */
  expectClean(): void {
    expect({
      scratch: readdirSync(this.path('scratch')),
      mounts: mountsBelow(this.home),
      loops: loopDevicesOf(this.home),
    }).toEqual({ scratch: [], mounts: [], loops: [] });
  }

  remove(): void {
    rmSync(this.home, { recursive: true });
  }
}

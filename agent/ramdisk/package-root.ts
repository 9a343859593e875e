import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './run-tool.js';

export interface PackageFile {
  /** As apt names it, such as `kmod_30+20221128-1_amd64.deb`. */
  file: string;
  /** `SHA256:…` or whatever the archive's index gives. */
  digest: string;
}

/**
 * Debian packages with their dependencies, fetched by the machine's own apt (its sources, keys, proxies) into a
 * separate directory. Nothing is installed, no maintainer script runs, and root is not needed.
 */
export class PackageRoot {
  constructor(
    private readonly cacheDir: string,
    private readonly packages: readonly string[],
  ) {}

  /** The files that apt would fetch now. Cheap: it reads apt's lists and uses no network. */
  async resolve(): Promise<PackageFile[]> {
    // From an empty archive directory: apt does not list files that it already has.
    const printed = await this.apt('none', ['--print-uris', '-qq']);
    // 'http://…/x.deb' x_1_amd64.deb 12345 SHA256:…
    const files = [...printed.matchAll(/^'[^']+' (\S+) \d+ (\S*)$/gm)].map((m) => ({
      file: m[1]!,
      digest: m[2]!,
    }));
    if (files.length === 0)
      throw new Error('apt-get names no package to fetch; is "apt-get update" missing?');
    return files.sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** @returns the directory with the unpacked files of all packages */
  async extract(files: readonly PackageFile[]): Promise<string> {
    const key = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
    const root = join(this.cacheDir, `root-${key}`);
    if (await exists(root)) return root;
    await this.apt('deb', ['--download-only', '-q']);
    const part = `${root}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true });
    // Debian 12's packages still ship both /bin and /usr/bin; as on an installed system, one is a link to the other.
    for (const dir of ['bin', 'sbin', 'lib', 'lib64']) {
      await mkdir(join(part, 'usr', dir), { recursive: true });
      await runTool('ln', ['-s', `usr/${dir}`, join(part, dir)]);
    }
    const present = new Set(await readdir(this.debDir));
    for (const { file } of files) {
      if (!present.has(file)) throw new Error(`apt-get did not fetch ${file}`);
      // tar --keep-directory-symlink: /bin must stay the link made above.
      await runTool('sh', [
        '-c',
        'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner',
        'sh',
        join(this.debDir, file),
        part,
      ]);
    }
    await rename(part, root);
    await this.dropOldRoots(root);
    return root;
  }

  private get debDir(): string {
    return join(this.cacheDir, 'deb');
  }

  /** With an empty status file apt resolves all dependencies, whatever this machine has installed. */
  private async apt(archives: 'deb' | 'none', options: readonly string[]): Promise<string> {
    await mkdir(join(this.cacheDir, archives, 'partial'), { recursive: true });
    const status = join(this.cacheDir, 'empty-status');
    await writeFile(status, '');
    return runTool('apt-get', [
      ...[
        '-o',
        `Dir::State::status=${status}`,
        '-o',
        `Dir::Cache::archives=${join(this.cacheDir, archives)}/`,
      ],
      ...['-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache=', '-o', 'Debug::NoLocking=1'],
      // This machine's post-download hooks (such as emptying the cache) must not run on this directory.
      ...['-o', 'APT::Install-Recommends=0', '-o', 'APT::Keep-Downloaded-Packages=1'],
      ...['-o', 'APT::Update::Post-Invoke::=', '-o', 'DPkg::Post-Invoke::=', '-y'],
      ...options,
      'install',
      ...this.packages,
    ]);
  }

  private async dropOldRoots(keep: string): Promise<void> {
    for (const name of await readdir(this.cacheDir)) {
      const path = join(this.cacheDir, name);
      if (/^root-[0-9a-f]+$/.test(name) && path !== keep) {
        const age = Date.now() - (await stat(path)).mtimeMs;
        if (age > 7 * 86_400_000) await rm(path, { recursive: true, force: true });
      }
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../process/run.js';
import type { BuildSession, Stage } from '../session/build-session.js';
import { makeDirectory } from '../session/directory.js';
import { type DebianSources, proxyOptions } from './source.js';

/** Days after which an unused package archive is deleted from the cache. */
const KEPT_DAYS = 7;
/** Packages that a minimal system needs to boot, and for login and administration. */
const BASE = [
  ...['systemd-sysv', 'udev', 'dbus', 'iproute2', 'iputils-ping', 'kmod', 'login', 'passwd', 'procps'],
  ...['e2fsprogs', 'initramfs-tools', 'ca-certificates', 'less', 'nano', 'sudo'],
];
/** Manual pages and translations are left out, and documentation except the licences. */
const SLIM = [
  ...['man', 'info', 'locale', 'doc'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
];

export function systemPackages(kernel: 'generic' | 'cloud', more: readonly string[]): string[] {
  const metapackage = kernel === 'cloud' ? 'linux-image-cloud-amd64' : 'linux-image-amd64';
  return [...new Set([...BASE, metapackage, ...more])].sort();
}

/**
 * A Debian system as a directory tree, installed by mmdebstrap and cached as an archive, by packages and state of the
 * mirror.
 * @param root directory of the tree
 */
export async function makeSystem(
  session: BuildSession,
  stage: Stage,
  sources: DebianSources,
  packages: readonly string[],
  options: { cache: string; root: string },
): Promise<void> {
  const recipe = JSON.stringify([sources, packages, SLIM]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 24);
  makeDirectory(options.cache);
  const kept = join(options.cache, `system-${sources.release}-${key}.tar`);
  if (existsSync(kept)) stage.note('from the cache');
  else {
    const tar = session.path('system.tar');
    stage.watch(tar);
    const include = `--include=${packages.join(',')}`;
    const args = ['--mode=root', '--variant=minbase', include, ...SLIM, ...(await proxyOptions())];
    await run('mmdebstrap', [...args, sources.release, tar, ...sources.lines], {
      timeout: 3_600_000,
      capture: false,
      grace: 10_000,
    });
    const part = `${kept}.part-${process.pid}`;
    await session.keep(tar, part);
    renameSync(part, kept);
    dropOld(options.cache, kept);
  }
  mkdirSync(options.root);
  await run(
    'tar',
    ['-x', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-f', kept, '-C', options.root],
    {
      timeout: 600_000,
    },
  );
}

function dropOld(cache: string, keep: string): void {
  for (const name of readdirSync(cache).filter((entry) => /^system-.*\.tar$/.test(entry))) {
    const path = join(cache, name);
    if (path !== keep && Date.now() - statSync(path).mtimeMs > KEPT_DAYS * 86_400_000) rmSync(path);
  }
}

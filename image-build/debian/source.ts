import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidError, messageOf } from '../../src/domain/errors.js';
import { SourceUnreachableError } from '../error.js';
import { nearest } from '../pipeline/nearest.js';
import { run } from '../process/run.js';

/** Package sources of one Debian release, in mmdebstrap's form. */
export interface DebianSources {
  release: string;
  /** Lines of sources.list. */
  lines: readonly string[];
  /** Changes whenever one of the archives changes. */
  fingerprint: string;
}

interface Archive {
  uri: string;
  suite: string;
  component: string;
}

/**
 * Sources of a release: the given mirror, else this machine's apt sources, else the mirror of those sources with that
 * release. The index of each archive is downloaded first.
 * @param scratch directory of the downloads
 * @throws SourceUnreachableError naming the address
 */
export async function debianSources(
  release: string,
  mirror: string | undefined,
  scratch: string,
): Promise<DebianSources> {
  const archives = mirror === undefined ? await ownArchives(release) : [archiveOf(mirror, release)];
  const hash = createHash('sha256');
  for (const { uri, suite } of archives) {
    const url = `${uri.replace(/\/+$/, '')}/dists/${suite}/InRelease`;
    const file = join(scratch, 'InRelease');
    try {
      // apt's own downloader obeys the machine's proxies and timeouts.
      const options = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20'];
      await run('/usr/lib/apt/apt-helper', [...options, 'download-file', url, file]);
    } catch (error) {
      throw new SourceUnreachableError(
        `no packages of Debian ${release}: tried ${url}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    hash.update(readFileSync(file));
  }
  const lines = archives.map(({ uri, suite, component }) => `deb ${uri} ${suite} ${component}`);
  return { release, lines: [...new Set(lines)], fingerprint: hash.digest('hex') };
}

function archiveOf(uri: string, suite: string): Archive {
  return { uri, suite, component: 'main' };
}

async function ownArchives(release: string): Promise<Archive[]> {
  const format = '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const debian = targets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(([origin]) => origin === 'Debian')
    .map(([, uri, suite, component]) => ({ uri: uri!, suite: suite!, component: component! }));
  const own = debian.filter(({ suite }) => suite === release || suite.startsWith(`${release}-`));
  if (own.some(({ suite }) => suite === release)) return own;
  const main = debian.find(({ suite }) => !suite.includes('-'));
  if (main === undefined)
    throw new SourceUnreachableError(
      'apt has no Debian archive on this machine (are its lists empty?), and no --mirror was named',
    );
  return [archiveOf(main.uri, release)];
}

/**
 * Checks that packages exist, before minutes of work depend on them.
 * @param names as apt takes them: `name`, `name=version`, `name:architecture`
 * @throws InvalidError naming unknown packages
 */
export async function refuseUnknownPackages(
  { lines, release }: DebianSources,
  names: readonly string[],
  scratch: string,
): Promise<void> {
  if (names.length === 0) return;
  const known = new Set<string>();
  for (const [, uri, suite, component] of lines.map((line) => line.split(' ')) as [
    string,
    string,
    string,
    string,
  ][])
    for (const name of await packagesOf(`${uri.replace(/\/+$/, '')}/dists/${suite}/${component}`, scratch))
      known.add(name);
  const unknown = names.filter((name) => !known.has(name.replace(/[:=].*$/, '')));
  if (unknown.length > 0) {
    const near = unknown.map((name) => nearest(name, [...known])).filter((name) => name !== undefined);
    const hint = near.length === 0 ? '' : `; near to it: ${[...new Set(near)].join(', ')}`;
    throw new InvalidError(`--package: Debian ${release} has no ${unknown.join(', ')}${hint}`);
  }
}

/** Names of an archive's packages, and of the virtual packages that they provide. */
async function packagesOf(archive: string, scratch: string): Promise<string[]> {
  const file = join(scratch, 'Packages.xz');
  const options = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20'];
  await run('/usr/lib/apt/apt-helper', [
    ...options,
    'download-file',
    `${archive}/binary-amd64/Packages.xz`,
    file,
  ]);
  const read = `xzcat "$1" | grep -E '^(Package|Provides): '`;
  return (await run('sh', ['-c', read, 'sh', file]))
    .split('\n')
    .flatMap((line) => line.replace(/^\w+: /, '').split(','))
    .map((name) => name.replace(/\(.*\)/, '').trim());
}

/** apt's proxy, as an option of mmdebstrap. */
export async function proxyOptions(): Promise<string[]> {
  const said = await run('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy']);
  const proxy = /^proxy='(.*)'$/m.exec(said)?.[1];
  return proxy ? [`--aptopt=Acquire::http::Proxy "${proxy}"`] : [];
}

import { messageOf } from '../../src/domain/errors.js';
import { SourceUnreachableError } from '../error.js';

interface Origin {
  release: string;
  /** @param mirror of packages, for distributions that are made from packages */
  url: (release: string, mirror: string | undefined) => string;
}

/**
 * Where the element of a distribution downloads its base, and its default release, from elements/<name>/root.d and
 * environment.d of disk-image-builder 3.13. Sources of other elements are not probed.
 */
const SOURCES: Readonly<Record<string, Origin>> = {
  ubuntu: {
    release: 'focal',
    url: (release) => `http://cloud-images.ubuntu.com/${release}/current/SHA256SUMS`,
  },
  'ubuntu-minimal': {
    release: 'focal',
    url: (release, mirror = 'http://us.archive.ubuntu.com/ubuntu') =>
      `${mirror.replace(/\/+$/, '')}/dists/${release}/Release`,
  },
  centos: {
    release: '8-stream',
    url: (release) => `https://cloud.centos.org/centos/${release}/x86_64/images/`,
  },
  centos7: { release: '7', url: () => 'http://cloud.centos.org/centos/7/images/' },
  'centos-minimal': {
    release: '8-stream',
    url: (release) => `http://mirrorlist.centos.org/?release=${release}&arch=x86_64&repo=BaseOS`,
  },
  fedora: {
    release: '36',
    url: (release) =>
      `https://download.fedoraproject.org/pub/fedora/linux/releases/${release}/Cloud/x86_64/images/`,
  },
  'fedora-minimal': {
    release: '36',
    url: (release) => `https://mirrors.fedoraproject.org/metalink?repo=fedora-${release}&arch=x86_64`,
  },
  opensuse: { release: '15.3', url: () => 'https://download.opensuse.org/repositories/Cloud:/Images:/' },
};

/**
 * Probes the distribution's source before hours of work.
 * @throws SourceUnreachableError naming the address
 */
export async function probeDistribution(
  distro: string,
  release: string | undefined,
  mirror: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const source = SOURCES[distro];
  if (source === undefined) return;
  await probeUrl(distro, source.url(release ?? source.release, mirror), signal);
}

/** @throws SourceUnreachableError when it does not respond, or refuses */
export async function probeUrl(what: string, url: string, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(20_000)]);
  let status: number;
  try {
    const answer = await fetch(url, { signal: deadline });
    status = answer.status;
    await answer.body?.cancel();
  } catch (error) {
    const why = messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
    throw new SourceUnreachableError(`the source of ${what} can't be reached: tried ${url}: ${why}`, {
      cause: error,
    });
  }
  if (status >= 400)
    throw new SourceUnreachableError(
      `the source of ${what} can't be reached: tried ${url}: status ${status}`,
    );
}

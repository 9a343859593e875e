const CURRENT = 'v2.15';
/** Those of Debian’s Glance 25.1 with one store and no cache of images. */
const SUPPORTED = ['v2.9', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0'];

/** The Image service’s entries of a version document. @param base without a slash at the end */
export function imageVersions(base: string) {
  return [CURRENT, ...SUPPORTED].map((id) => ({
    id,
    status: id === CURRENT ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${base}/v2/` }],
  }));
}

import { MAX_VERSION, MIN_VERSION } from '../../microversion/microversion.js';

const CURRENT = 'v2.15';
/** The versions of Debian’s Glance 25.1 with one store and no cache of images. */
const SUPPORTED = ['v2.9', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0'];

/** The Image service’s entries in a version document. @param base without a slash at the end */
export function imageVersions(base: string) {
  return [CURRENT, ...SUPPORTED].map((id) => ({
    id,
    status: id === CURRENT ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${base}/v2/` }],
  }));
}

/**
 * The same for documents that Bare Metal clients read too: at the root and at /v2. The OpenStack SDK, and so Nova, take
 * the highest version in the root for the Bare Metal API's and request its microversions there (keystoneauth1,
 * discover.py: versioned_data_for; openstack/service_description.py). `normalisePath` is the other half.
 */
export function sharedVersions(base: string) {
  return imageVersions(base).map((entry) => ({ ...entry, min_version: MIN_VERSION, version: MAX_VERSION }));
}

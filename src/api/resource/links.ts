/** Hypermedia of the API: lists of `self` and `bookmark`, the bookmark without the version. */
export interface Link {
  href: string;
  rel: string;
}

export function linksTo(base: string, path: string): Link[] {
  return [
    { href: `${base}/v1/${path}`, rel: 'self' },
    { href: `${base}/${path}`, rel: 'bookmark' },
  ];
}

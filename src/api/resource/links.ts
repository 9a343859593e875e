/** Hypermedia of the API: lists of `self` and `bookmark`, the bookmark without the version. */
export interface Link {
  href: string;
  rel: string;
}

/** JSON text of `linksTo`. */
export function linksText(base: string, path: string): string {
  const plain = PLAIN.test(base) && PLAIN.test(path);
  return plain
    ? `[{"href":"${base}/v1/${path}","rel":"self"},{"href":"${base}/${path}","rel":"bookmark"}]`
    : JSON.stringify(linksTo(base, path));
}

/** Text that JSON holds as it is. */
const PLAIN = /^[\w:/.[\]-]*$/;

export function linksTo(base: string, path: string): Link[] {
  return [
    { href: `${base}/v1/${path}`, rel: 'self' },
    { href: `${base}/${path}`, rel: 'bookmark' },
  ];
}
